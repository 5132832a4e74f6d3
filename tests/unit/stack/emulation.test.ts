import { mkdir, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { afterEach, beforeEach, expect, it } from "vitest"
import { removeTemporaryFolders, temporaryFolder } from "../../support/gitRepo.js"
import { checkout, run } from "../../support/stack.js"

// What makes ./stack have the provisioned engine emulate another platform.

let folder: string
beforeEach(async () => {
  folder = await temporaryFolder()
})
afterEach(removeTemporaryFolders)

const arm = "platforms: [linux/amd64, linux/arm64]\n"

/** Whether a call emulates; the engine only says what it is asked for. */
async function emulates(spec: string, words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  await writeFile(join(folder, "spec.yml"), spec)
  const script = `set -euo pipefail
    own_pid=1 building='build-stack plan' function=\${1-} engine=echo
    . '${checkout}/lib/emulation.sh'
    given=("\${@:2}")
    fill_emulation`
  const { status, stdout, stderr } = await run("bash", ["-c", script, "stack", ...words], {
    cwd: folder,
    env,
  })
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" })
  return stdout.trim()
}

it.each<readonly [string, string, readonly string[], string]>([
  ["the spec names it", arm, ["plan"], "emulate"],
  ["the spec of the source named it", arm, ["plan", "--source", "."], "emulate"],
  [
    "the call names it, beside another one",
    "",
    ["plan", "--platform=linux/amd64", "--platform", "linux/arm64"],
    "emulate",
  ],
  ["the call is about another one", arm, ["plan", "--platform=linux/amd64"], ""],
  ["only a comment names it", `# ${arm}`, ["plan"], ""],
  ["the source is elsewhere", arm, ["plan", "--source=/nowhere"], ""],
  ["the function builds nothing", arm, ["status"], ""],
])("%s", async (_, spec, words, expected) => {
  expect(await emulates(spec, words)).toBe(expected)
})

it("names the images of Debian that Dockerfiles start from, each once", async () => {
  const files = {
    "images/base/Dockerfile": "FROM debian:trixie-slim\n",
    "docker/geo.Dockerfile": "FROM debian:bookworm-slim\nFROM debian:trixie-slim\n",
    "images/base/README.md": "debian:sid-slim\n",
    "node_modules/other/Dockerfile": "FROM debian:buster-slim\n",
  }
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(folder, dirname(path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  expect(await emulates(arm, ["plan"])).toBe("emulate debian:bookworm-slim debian:trixie-slim")
})

it("can be switched off", async () => {
  expect(await emulates(arm, ["plan"], { STACK_EMULATION: "off" })).toBe("")
})
