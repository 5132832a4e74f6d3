import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { FixtureStack } from "../support/fixtureStacks.js"
import { pushImage, skopeoCopy } from "../support/registryImages.js"

const key = "0123456789abcdef"
let world: FixtureStack
let gone = ""

beforeAll(async () => {
  world = await FixtureStack.start({ base: {}, left: { depend_on: "base" } })
  const push = (name: string, layer: string, created = "2026-01-01T08:00:00Z") =>
    pushImage(world.registry, `team/${name}`, { layers: [layer], created })
  await push("base:2026.4-main", "main")
  gone = await push("base:2026.4-gone", "gone")
  await skopeoCopy(world.registry, "team/base:2026.4-gone", `team/base:passed-${key}-${key}`)
  await push("base:exam", "exam")
  await push("left:2026.3-stable", "stable")
  await push(`left:candidate-${key}`, "young", new Date().toISOString())
  await push(`left:candidate-${"f".repeat(16)}`, "old")
})

afterAll(() => world.stop())

const before = ["2026.4-gone", "2026.4-main", "exam"]
const prune = (...options: readonly string[]) =>
  world.call("prune", "--source=.", ...world.login(), ...options)

test("a dry run tells what nothing needs, in 80 columns, and deletes nothing", async () => {
  await world.git("update-ref", "refs/remotes/origin/main", "HEAD")
  const screen = await world.onScreen(["prune", "--source=.", ...world.login()], { columns: 80 })
  expect(screen.status).toBe(0)
  const { text } = screen
  expect(text).toContain("2 digests with 3 tags, older than 30 d, are needed by nothing.")
  expect(text).toContain("Nothing was deleted: that takes --confirm.")
  expect(text).toMatch(/^base {3}[0-9a-f]{12} +\d+ d {2}2026\.4-gone, passed-/m)
  expect(text).toMatch(/^left {3}1 +1 +younger$/m)
  expect(await world.tags("base")).toEqual(before)
})

test("a clone that knows no branch of origin keeps every branch's tag, and says so", async () => {
  await world.git("update-ref", "-d", "refs/remotes/origin/main")
  const ended = await prune("summary")
  expect(ended.status, ended.stderr.slice(-2000)).toBe(0)
  expect(ended.stdout).toContain("the checkout has no branch of origin; --branch names them")
  expect(ended.stdout).toContain("1 digest with 1 tag, older than 30 d, is needed by nothing.")
})

test("wrong options are refused before anything is asked", async () => {
  const ended = await prune("--older-than=soon", "--keep=no/tag")
  expect(ended.status).not.toBe(0)
  expect(ended.stderr).toContain('--older-than: "soon" is not accepted (an age such as "30 d" or "36 h")')
  expect(ended.stderr).toContain('--keep: "no/tag" is not a tag')
})

test("with --confirm they are deleted, with all their tags, and a second time there is nothing to do", async () => {
  const out = join(world.folder, "pruned")
  const ended = await prune("--branch=main", "--confirm", "artifacts", "export", `--path=${out}`)
  expect(ended.status, ended.stderr.slice(-2000)).toBe(0)
  const report = JSON.parse(await readFile(join(out, "report.json"), "utf8")) as unknown
  expect(report).toMatchObject({ ok: true, kind: "pruned", deleted: [{ digest: gone }, { image: "left" }] })
  expect(await readFile(join(out, "digests.txt"), "utf8")).toContain(`${world.host}/team/base@${gone}\n`)
  expect(await world.tags("base")).toEqual(["2026.4-main", "exam"])
  expect(await world.tags("left")).toEqual(["2026.3-stable"])
  const left = (await world.manifest("left", `candidate-${key}`)).digest
  expect(left).toMatch(/^sha256:/)
  await expect(world.manifest("left", `candidate-${"f".repeat(16)}`)).rejects.toThrow("404")
  const again = await prune("--branch=main", "--confirm", "summary")
  expect(again.stdout).toContain("Nothing older than 30 d is unneeded.")
})
