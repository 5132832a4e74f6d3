#!/bin/sh
# Runs the tests of /stack/tests in an image, whatever the image has: the outcome always stands in results.json.
# Arguments go to driver.py. The exit status is 0 whenever there is a results.json: the verdict is data.
set -u
results=/stack/results/results.json
for python in python3 python; do
  command -v "$python" >/dev/null 2>&1 || continue
  # When the kernel kills the driver for want of memory, another one takes up what it has left.
  "$python" -X faulthandler /stack/testing/driver.py "$@" ||
    "$python" -X faulthandler /stack/testing/driver.py --resume "$@"
  status=$?
  [ -f "$results" ] && exit 0
  exit "$status"
done
printf '{"version": 1, "kind": "no-python", "startedAt": %s, "seconds": 0, "tests": [], "otherUsers": []}\n' \
  "$(date +%s)" >"$results"
