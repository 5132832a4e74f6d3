#!/bin/sh
# Writes real outputs of pytest, which pytestLog.test.ts reads. Run in this folder, with pytest and pytest-xdist from
# PyPI: PYTEST=/path/to/bin/pytest sh make.sh
set -u
outputs=$PWD
world=$(mktemp -d)
cd "$world" || exit
export COLUMNS=80

module() { mkdir -p "$1" && cat >"$1/test_$1.py"; }
module passed <<'PY'
def test_a(): pass
def test_b(): pass
PY
module failed <<'PY'
def test_a(): pass
def test_b():
    print("noise")
    assert 1 == 2
PY
module collection <<'PY'
import nothing_like_this
def test_a(): pass
PY
module skipped <<'PY'
import pytest
@pytest.mark.skip(reason="no GPU")
def test_a(): pass
@pytest.mark.skip(reason="no GPU")
def test_b(): pass
PY
module xfail <<'PY'
import pytest
@pytest.mark.xfail
def test_a(): assert 0
@pytest.mark.xfail
def test_x(): pass
def test_b(): pass
PY
module onlyxfail <<'PY'
import pytest
@pytest.mark.xfail
def test_a(): assert 0
PY
module setup <<'PY'
import pytest
@pytest.fixture
def gpu(): raise RuntimeError("no device")
def test_a(gpu): pass
def test_b(): pass
PY
module teardown <<'PY'
import pytest
@pytest.fixture
def gpu():
    yield 1
    raise RuntimeError("lost device")
def test_a(gpu): pass
PY
module warning <<'PY'
import warnings
def test_a(): warnings.warn("old")
PY
module subtests <<'PY'
def test_a(subtests):
    for i in range(3):
        with subtests.test(i=i): assert i != 1
PY
module lying <<'PY'
def test_a():
    print("==== 5 passed in 0.01s ====")
    assert 0
PY
module lyingskip <<'PY'
import pytest
def test_a():
    print("\n==== 5 passed in 0.01s ====")
    pytest.skip("no GPU")
PY
module exiting <<'PY'
import pytest
def test_a(): pass
def test_b(): pytest.exit("stop")
PY
module killed <<'PY'
import os
def test_a(): pass
def test_b(): os.kill(os.getpid(), 9)
PY
module interrupted <<'PY'
def test_a(): pass
def test_b(): raise KeyboardInterrupt
PY
mkdir empty
module conftest </dev/null && echo "import nothing_like_this" >conftest/conftest.py
module internal <<'PY'
def test_a(): pass
PY
printf 'def pytest_runtest_logreport(report):\n    raise RuntimeError("x")\n' >internal/conftest.py

# The exit status is the name's last part.
run() {
  name=$1
  shift
  "$PYTEST" -p no:cacheprovider "$@" >"$outputs/output" 2>&1
  mv "$outputs/output" "$outputs/$name.$?.txt"
}
for tests in passed failed collection skipped empty xfail onlyxfail setup teardown warning subtests lying exiting \
  killed interrupted internal; do
  run "$tests" "$tests"
  run "$tests-q" -q "$tests"
done
run passed-qq -qq passed
run passed-verbose -v passed
run colour --color=yes passed failed skipped xfail
run colour-passed --color=yes passed xfail
run xdist -n 2 passed failed
run deselected -k test_a passed
run all-deselected -k nothing passed
run missing nowhere
run bad-option --nonsense passed
run first-failure -x failed passed
run no-summary --no-summary passed failed
run collect-only --collect-only passed
run collect-only-q --collect-only -q passed collection
run continued --continue-on-collection-errors passed collection
run mixed-collection passed collection
run conftest conftest
run lying-skip -s lyingskip
script -qec "$PYTEST -p no:cacheprovider passed xfail" /dev/null >"$outputs/terminal.0.txt"
rm -rf "$world"
