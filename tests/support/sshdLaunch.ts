import { execFileSync } from "node:child_process"
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** A stand-in for the cluster's launch script on the login host, with the tests of a stand-in image. */
export interface LaunchScript {
  /** Launch template for it, with the real one's arguments. */
  readonly template: string
  /** Folder of the tests `name`, as `write` made it. */
  tests(name: string): string
  /** Writes the test module of a folder. */
  write(name: string, module: string): void
  /** Arguments it was last called with. */
  arguments(): readonly string[]
  /** Ids of the processes that it, the tests and their children have told. */
  processes(): readonly number[]
  /** Whether it was called since it was made. */
  wasCalled(): boolean
  /** Lines written by its EXIT trap, where the real one deletes its pod. */
  cleanedUp(): boolean
  remove(): void
}

/**
 * The script takes the real one's arguments, really runs pytest on the tests folder, and ends with pytest's status,
 * or, as the real one does, with 0 whatever pytest said. Like the real one it is a bash script that cleans up in an EXIT trap, which takes a while. An image of the
 * repository `missing` cannot be launched. Debian's Python is used: the account cannot enter others' homes.
 */
const script = `#!/bin/bash
here=$(dirname "$0")
printf '%s\\n' "$@" >"$here/state/arguments"
echo $$ >>"$here/state/processes"
export PROCESSES=$here/state/processes PYTHONDONTWRITEBYTECODE=1
cleanup() { echo "Waiting for your processes to terminate..." >&2; sleep 0.2; echo cleaned >"$here/state/cleaned"; }
trap cleanup EXIT
while getopts "i:P:g:c:m:f" option; do
  [ "$option" = i ] && image=$OPTARG
done
shift $((OPTIND - 1))
echo "$(date) Submitting job test-$$" >&2
case $image in
  */missing[:@]*) echo "Error: ImagePullBackOff: $image" >&2; exit 1 ;;
esac
echo "Attempting to create job ('pod') for $image"
shift
/usr/bin/python3 -m pytest -p no:cacheprovider "$@"
status=$?
echo "pod test-$$ deleted" >&2
exit $status
`
const alwaysSucceeding = script.replace("exit $status", "exit 0")

/** Writes the script to a folder that every account may use. */
export function makeLaunchScript({ alwaysSucceeds = false } = {}): LaunchScript {
  const directory = mkdtempSync(join(tmpdir(), "launch-"))
  chmodSync(directory, 0o755)
  const state = join(directory, "state")
  mkdirSync(state)
  chmodSync(state, 0o777)
  writeFileSync(join(directory, "launch.sh"), alwaysSucceeds ? alwaysSucceeding : script, { mode: 0o755 })
  const told = (name: string) => {
    try {
      return readFileSync(join(state, name), "utf8").split("\n").slice(0, -1)
    } catch {
      return []
    }
  }
  return {
    template: `${directory}/launch.sh -i {image} -P Always -g 1 -c 4 -m 32 -f pytest {tests}`,
    tests: (name) => join(directory, name),
    write: (name, module) => {
      mkdirSync(join(directory, name))
      if (module !== "") writeFileSync(join(directory, name, `test_${name.replaceAll("-", "_")}.py`), module)
    },
    arguments: () => told("arguments"),
    processes: () => told("processes").map(Number),
    wasCalled: () => told("processes").length > 0,
    cleanedUp: () => told("cleaned").length > 0,
    remove: () => {
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Whether a process is there; one that has ended and is not yet collected by its parent is not. */
export function isAlive(pid: number): boolean {
  try {
    return !execFileSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" }).startsWith("Z")
  } catch {
    return false
  }
}
