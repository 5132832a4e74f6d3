import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { stackFiles } from "../support/source.js"
import { checkout, removeFolder, stack, workspace } from "../support/stack.js"

// Against PyPI itself: a lock file of an old version becomes one of the newest that is old enough.

const script = `#!/bin/bash
set -euo pipefail
cd "$(dirname "\${BASH_SOURCE[0]}")/base"
uv pip compile requirements.in --output-file requirements.txt --quiet --no-header --generate-hashes "$@" >/dev/null
`

/** This repository's own program, with other locks: what it has of functions, and a call for each of them. */
async function ownProgram(...calls: readonly string[]): Promise<string> {
  const text = await readFile(join(checkout, "images/update-python.sh"), "utf8")
  const functions = text.slice(0, text.indexOf("\nlock_all "))
  expect(functions).toContain("lock_all()")
  return [functions, ...calls, ""].join("\n")
}

let folder = ""

beforeAll(async () => {
  folder = await workspace({
    ...stackFiles({ base: { files: { "requirements.in": "six\n", "requirements.txt": "six==1.15.0\n" } } }),
    "images/update-python.sh": script,
    "images/broken.sh": "echo no such registry >&2\nexit 3\n",
    "images/both/all.in": "six\n",
    "images/both/one.in": "six\nidna ; platform_machine == 'x86_64'\n",
    "images/platforms.sh": await ownProgram("lock_all both all.in all.txt", "lock_all both one.in one.txt"),
  })
})

afterAll(() => removeFolder(folder))

const update = (...args: readonly string[]) => stack(["update-locks", "--source=.", ...args], { cwd: folder })

test("makes a lock file anew, as a file and as a table, and leaves the source alone", async () => {
  const ended = await update("artifacts", "export", "--path=out")
  expect(ended.status, ended.stderr.slice(-2000)).toBe(0)
  const report = JSON.parse(await readFile(join(folder, "out/report.json"), "utf8")) as unknown
  expect(report).toMatchObject({
    ok: true,
    files: [
      { path: "images/base/requirements.txt", changes: [{ kind: "upgraded", name: "six", from: "1.15.0" }] },
    ],
  })
  expect(await readFile(join(folder, "out/report.md"), "utf8")).toMatch(
    /^\| six \| `1\.15\.0` \| `1\.1[6-9]/m,
  )
  const lock = await readFile(join(folder, "out/files/images/base/requirements.txt"), "utf8")
  expect(lock).toMatch(/^six==1\.1[6-9]\S* \\\n {4}--hash=sha256:/)
  expect(await readFile(join(folder, "images/base/requirements.txt"), "utf8")).toBe("six==1.15.0\n")
})

test("versions that are too young are not taken", async () => {
  // six 1.16.0 is of May 2021, 1.17.0 of December 2024.
  const days = Math.floor((Date.now() - Date.parse("2022-01-01")) / 86_400_000)
  const ended = await update(`--cooldown=${days} d`, "summary")
  expect(ended.stdout).toContain("| six | `1.15.0` | `1.16.0` |")
})

test("one lock for both platforms is refused where they need other packages", async () => {
  const refused = await update("--script=images/platforms.sh", "verdict")
  expect(refused.status).not.toBe(0)
  expect(refused.stderr).toContain("> idna==")
  expect(refused.stderr).toContain("both/one.txt: arm64 (<) and amd64 (>) need other packages")
})

test("what goes wrong is told, with an exit status", async () => {
  const broken = await update("--script=images/broken.sh", "verdict")
  expect(broken.status).not.toBe(0)
  expect(broken.stderr).toContain("no such registry")
  const missing = await update("--script=update.sh", "--cooldown=7 d")
  expect(missing.stderr).toContain('--script: there is no file "update.sh" (a program below images/')
  const wrong = await update("--cooldown=a week")
  expect(wrong.stderr).toContain('--cooldown: "a week" is not accepted (an age such as "30 d" or "36 h")')
})
