import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { stackFiles } from "../support/source.js"
import type { Ended } from "../support/stack.js"
import { checkout, removeFolder, run, stack, workspace } from "../support/stack.js"

// A checkout whose configuration of git holds logins, as some CI and many people's clones do.

const secret = `SECRETMARK-${String(Date.now())}`
const snapshots = join(
  process.env.STACK_ENGINE_HOME ?? "/var/lib/stack-engine",
  "state/worker/snapshots/snapshots",
)

let folder: string
beforeAll(async () => {
  folder = await workspace(stackFiles({ base: { files: { Dockerfile: "FROM debian:bookworm-slim\n" } } }))
  const config = {
    "remote.origin.url": `https://me:${secret}@git.example/team/stack.git`,
    "http.https://git.example/.extraheader": `AUTHORIZATION: basic ${secret}`,
    [`url.https://${secret}@git.example/.insteadOf`]: "https://git.example/",
  }
  for (const [key, value] of Object.entries(config)) await run("git", ["config", key, value], { cwd: folder })
})
afterAll(() => removeFolder(folder))

/** What lies in the engine's cache of this checkout's `.git`. */
function uploadedNames(): ReadonlySet<string> {
  const names = readdirSync(snapshots).flatMap((snapshot) => {
    try {
      return readdirSync(join(snapshots, snapshot, "fs", folder, ".git"))
    } catch {
      // A snapshot of something else.
      return []
    }
  })
  return new Set(names)
}

test("a login in the checkout's .git/config is not uploaded, neither by plain dagger nor by ./stack", async () => {
  const plain = `eval "$('${checkout}/stack' engine env)"; exec dagger --silent -m '${checkout}' call plan --source=. json`
  const calls: readonly Ended[] = [
    await run("bash", ["-c", plain], { cwd: folder, timeout: 300_000 }),
    await stack(["build-stack", "--source=.", "artifacts", "export", "--path=out"], { cwd: folder }),
  ]
  for (const ended of calls) {
    expect(ended).toMatchObject({ status: 0 })
    expect(ended.stdout + ended.stderr).not.toContain(secret)
  }
  expect([...uploadedNames()]).toContain("HEAD")
  expect([...uploadedNames()]).not.toContain("config")
})

test("links lead to the repository all the same", () => {
  const pages = readdirSync(join(folder, "out/manifests"))
  const text = pages.map((name) => readFileSync(join(folder, "out/manifests", name), "utf8")).join("\n")
  expect(text).toContain("https://git.example/team/stack")
  expect(text).not.toContain(secret)
})
