#!/bin/sh
# Writes real outputs of pytest, which pytestLog.test.ts reads. Run in this folder, with pytest, pytest-xdist,
# pytest-timeout, pytest-rerunfailures and pytest-cov from PyPI: PYTEST=/path/to/bin/pytest sh make.sh
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

# Runs that end early with a status that hides it, or in other words than pytest's own.
module exitstatus <<'PY'
import pytest
def test_a(): pass
def test_b(): pytest.exit("the GPU is gone", returncode=0)
def test_c(): assert False
PY
module exitlong <<'PY'
import pytest
def test_a(): pass
def test_b(): pytest.exit("the GPU is gone and nobody knows where; " * 4, returncode=0)
PY
module exitlines <<'PY'
import pytest
def test_a(): pass
def test_b(): pytest.exit("the GPU\nis gone", returncode=77)
PY
module exitfixture <<'PY'
import pytest
def test_a(): pass
@pytest.fixture(scope="session")
def gpu(): pytest.exit("no device", returncode=0)
def test_b(gpu): assert False
PY
module exitimport <<'PY'
import pytest
pytest.exit("no device", returncode=0)
def test_a(): pass
PY
module slow <<'PY'
import time
def test_a(): pass
def test_b(): time.sleep(1)
def test_c(): assert False
PY
module hardexit <<'PY'
import os
def test_a(): pass
def test_b(): os._exit(0)
PY
module hardfake <<'PY'
import os, sys
def test_a(): pass
def test_b(): pass
def test_c():
    print("\n==== 2 passed in 0.01s ====")
    sys.stdout.flush()
    os._exit(0)
PY
module segfault <<'PY'
import ctypes
def test_a(): pass
def test_b(): ctypes.string_at(0)
PY
for stop in shouldstop shouldfail; do
  module "$stop" <<'PY'
def test_a(): pass
def test_b(): pass
PY
  echo "def pytest_runtest_teardown(item): item.session.$stop = 'the GPU is too hot'" >"$stop/conftest.py"
done
module dropped <<'PY'
def test_a(): pass
def test_b(): assert False
PY
echo 'def pytest_collection_modifyitems(items): del items[1:]' >dropped/conftest.py
module ownloop <<'PY'
def test_a(): pass
def test_b(): assert False
PY
cat >ownloop/conftest.py <<'PY'
def pytest_runtestloop(session):
    item = session.items[0]
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
    return True
PY
module strict <<'PY'
import pytest
@pytest.mark.xfail(strict=True)
def test_a(): pass
def test_b(): pass
PY
# Runs that are good, however odd they look.
module flaky <<'PY'
import pytest
tries = []
@pytest.mark.flaky(reruns=2)
def test_a():
    tries.append(1)
    assert len(tries) > 1
def test_b(): pass
PY
module skippedmodule <<'PY'
def test_a(): pass
PY
echo 'import pytest; pytest.skip("no GPU", allow_module_level=True)' >skippedmodule/test_more.py
module subskips <<'PY'
import unittest
class TestMany(unittest.TestCase):
    def test_a(self):
        for i in range(3):
            with self.subTest(i=i): self.skipTest("x") if i == 1 else None
    def test_b(self): pass
PY
module printing <<'PY'
def test_a(): print("\n==== 5 passed in 0.01s ====")
def test_b(): pass
def test_c(): pass
PY
module nested <<'PY'
def test_a(pytester):
    pytester.makepyfile("def test_i(): pass")
    pytester.runpytest().assert_outcomes(passed=1)
def test_b(): pass
PY
echo 'pytest_plugins = ["pytester"]' >conftest.py

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
for tests in exitstatus exitlong exitlines exitfixture exitimport hardexit segfault shouldstop shouldfail strict; do
  run "$tests" "$tests"
  run "$tests-q" -q "$tests"
done
for tests in dropped ownloop flaky skippedmodule subskips; do run "$tests" "$tests"; done
run session-timeout --session-timeout=0.5 slow
run session-timeout-q -q --session-timeout=0.5 slow
run thread-timeout --timeout=0.5 --timeout-method=thread slow
run signal-timeout --timeout=0.5 --timeout-method=signal slow
run hard-fake -s hardfake
run printing -s printing
run printing-rA -rA printing
run nested -s nested
run xdist-passed -n 2 passed xfail
run xdist-deselected -n 2 -k test_a passed xfail
run xdist-each --dist=each --tx=2*popen passed
run xdist-crash -n 2 segfault
run xdist-stop -n 2 shouldstop
run coverage --cov=failed --cov-fail-under=100 passed
script -qec "$PYTEST -p no:cacheprovider -n 2 passed xfail" /dev/null >"$outputs/terminal-xdist.0.txt"
script -qec "$PYTEST -p no:cacheprovider passed xfail" /dev/null >"$outputs/terminal.0.txt"
rm -rf "$world"
