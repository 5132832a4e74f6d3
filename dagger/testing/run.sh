#!/bin/sh
# Runs the tests of /stack/tests in an image, whatever the image has: the outcome always stands in results.json.
# Arguments go to driver.py. The exit status is 0 whenever there is a results.json: the verdict is data.
set -u
results=/stack/results
for python in python3 python; do
  command -v "$python" >/dev/null 2>&1 && exec "$python" -X faulthandler /stack/testing/driver.py "$@"
done
printf '{"version": 1, "kind": "no-python", "startedAt": %s, "seconds": 0, "tests": [], "otherUsers": []}\n' \
  "$(date +%s)" >"$results/results.json"
