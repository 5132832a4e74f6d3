import { afterAll, beforeAll, expect, test } from "vitest"
import { images, PromotionWorld } from "../support/promotionWorld.js"
import type { ImageName, Traces } from "../support/promotionWorld.js"

// The life of one quarter, in order: what a release engineer calls, against a registry, a wiki and a login host.

const main = "2026.4-main"
const stable = "2026.4-stable"
const silence: Traces = { registry: [], wiki: [], ssh: "" }

let world: PromotionWorld
let first: Readonly<Record<ImageName, string>>

beforeAll(async () => {
  world = await PromotionWorld.start()
  first = await world.push(main, "first")
  await world.publishPages(main, first)
})

afterAll(() => world.stop())

const options = (tag = main) => [`--tag=${tag}`, ...world.promotionOptions]
const stableOptions = () => [`--tag=${stable}`, ...world.registryLogin, ...world.wikiOptions]

/** Requests that write; reading is no trace of a promotion. */
function writes({ registry, wiki }: Traces): readonly string[] {
  const requests = [...registry.map(({ method, path }) => `${method} ${path}`), ...wiki]
  return requests.filter((request) => /^(?:PUT|PATCH|DELETE)|^POST .*receive-pack|POST \/v2/.test(request))
}

test.each([
  ["2026.4-x; touch /tmp/$(id)\n'\"", "2026.4-x; touch /tmp/$(id)\\n'\\\""],
  [`2026.4-${"x".repeat(200)}`, "2026.4-xxx"],
])("a tag of another form is refused before anybody is asked: %j", async (tag, shown) => {
  const since = world.watch()
  const { status, stderr } = await world.call("tag-stable", options(tag))
  expect(status).toBe(1)
  expect(stderr).toContain(shown)
  expect(stderr).toContain("the form is <year>.<quarter>-<branch>")
  expect(since()).toEqual(silence)
})

test("a dry run writes nothing, logs in to no host, and says what would be done", async () => {
  const since = world.watch()
  const { report, text } = await world.exported("tag-stable", [...options(), "--dry-run"])
  expect(writes(since())).toEqual([])
  expect(since().ssh).toBe("")
  expect(report).toMatchObject({ ok: true, outcome: { kind: "dry-run" }, from: main, to: stable })
  expect(text("report.md")).toContain("Would promote `2026.4-main` to `2026.4-stable`: 2 images.")
  expect(text("report.md")).toContain("| child | **new image** |")
  const launched = world.reference("child", main).replace(`:${main}`, `@${first.child}`)
  expect(text("report.md")).toContain(`launch.sh -i ${launched}`)
})

test("a missing image and a missing page are both told, and the GPU is not asked for nothing", async () => {
  await world.pushOne("base", "2026.4-half")
  const since = world.watch()
  const { report, text } = await world.exported("tag-stable", options("2026.4-half"))
  expect(report).toMatchObject({ ok: false, outcome: { kind: "refused" } })
  expect(text("report.md")).toContain(`there is no image ${world.reference("child", "2026.4-half")}`)
  expect(text("report.md")).toContain(
    `the wiki has no page ${world.page("base", "2026.4-half").slice(0, -3)}`,
  )
  expect(writes(since())).toEqual([])
  expect(since().ssh).toBe("")
})

test("tests that fail on the GPU keep the images from being promoted", async () => {
  world.gpuTests("def test_cuda(): assert False, 'no CUDA device'\n")
  const since = world.watch()
  const { status, stdout } = await world.call("tag-stable", options())
  expect(status).toBe(1)
  expect(stdout).toContain("Refused, and nothing was written:")
  expect(stdout).toContain("the GPU test did not pass")
  expect(stdout).toContain("AssertionError: no CUDA device")
  expect(writes(since())).toEqual([])
})

test("what passes on the GPU is promoted: same digests, pages, a row on Home, a journal", async () => {
  world.gpuTests("def test_cuda(): pass\n")
  const { report, text } = await world.exported("tag-stable", options())
  expect(report).toMatchObject({ ok: true, outcome: { kind: "promoted" } })
  expect(await world.digests(stable)).toEqual(first)
  expect(text("report.md")).toContain("Promoted `2026.4-main` to `2026.4-stable`: 2 images.")
  expect(text("report.md")).toContain(world.wikiHead().slice(0, 7))
  expect(text("logs/gpu-test.log")).toContain("1 passed")
  expect(JSON.parse(text("journal.json"))).toMatchObject({
    kind: "promotion",
    to: stable,
    entries: images.map((name) => ({ name, next: { digest: first[name] } })),
  })
  for (const name of images) expect(world.wikiFile(world.page(name, stable))).toContain(first[name])
  const [row] = /^\|.*2026\.4-.*$/m.exec(world.wikiFile("Home.md")) ?? []
  expect(row).toContain(world.reference("child", stable))
})

test("the same again writes nothing, and leaves the GPU alone", async () => {
  const since = world.watch()
  const head = world.wikiHead()
  const { status, stdout, stderr } = await world.call("tag-stable", options())
  expect(status, stderr.slice(-2000)).toBe(0)
  expect(stdout).toContain("Nothing to do: every 2026.4-stable names the right image already.")
  expect(writes(since())).toEqual([])
  expect(since().ssh).toBe("")
  expect(world.wikiHead()).toBe(head)
})

test("the quarter's images go into production, and the wiki says so", async () => {
  const given = ["--prefix=2026.4", ...world.registryLogin, ...world.wikiOptions]
  const { report } = await world.exported("tag-global-stable", given)
  expect(report).toMatchObject({ ok: true, outcome: { kind: "promoted" }, to: "stable" })
  expect(await world.digests("stable")).toEqual(first)
  expect(world.wikiFile("Stable_Tag.md")).toContain(world.reference("child", stable))
})

test("the status tells digests, since when, and from which commit", async () => {
  const { report, text } = await world.exported("status", world.registryLogin)
  const found = images.map((name) => ({ name, digest: first[name] }))
  expect(report).toMatchObject({
    ok: true,
    tags: [
      { tag: "stable", state: "whole", images: found },
      { tag: stable, state: "whole", images: [{ since: { kind: "at" } }, { since: { kind: "at" } }] },
    ],
  })
  expect(text("report.md")).toContain("`0123456`")
})

test("the next images are promoted without the GPU, and taken back by their exported journal", async () => {
  const second = await world.push(main, "second")
  await world.publishPages(main, second, "numpy 2.0.0, polars 1.0")
  const since = world.watch()
  const promoted = await world.exported("tag-stable", [...options(), "--skip-gpu-test"])
  expect(await world.digests(stable)).toEqual(second)
  expect(promoted.text("report.md")).toContain("the GPU test was skipped: by request (--skip-gpu-test)")
  expect(promoted.text("report.md")).toContain("| base | 1 upgraded, 1 added, 1 removed |")
  expect(promoted.text("report.md")).toContain("| numpy | upgraded | `1.26.4` | `2.0.0` |")
  expect(promoted.report).toMatchObject({
    differences: { images: [{ kind: "compared", name: "base" }, { name: "child" }], notices: [] },
  })
  expect(since().ssh).toBe("")

  const journal = `--journal=${promoted.folder}/journal.json`
  const back = await world.exported("rollback", [...stableOptions(), journal])
  expect(back.report).toMatchObject({ ok: true, outcome: { kind: "promoted" }, verb: "rollback" })
  expect(JSON.parse(back.text("journal.json"))).toMatchObject({ kind: "rollback", to: stable })
  expect(await world.digests(stable)).toEqual(first)
  expect(await world.digests("stable")).toEqual(first)
})

test("without a wiki, pages come from artifacts and go to artifacts, from promotion to promotion", async () => {
  const given = [...world.registryLogin, `--artifacts=${world.writeArtifacts("2027.1-main", first)}`]
  await world.push("2027.1-main", "first")
  const quarter = await world.exported("tag-stable", ["--tag=2027.1-main", ...given, "--skip-gpu-test"])
  expect(quarter.report, quarter.text("report.md")).toMatchObject({ ok: true })
  expect(quarter.text(`wiki/${world.page("child", "2027.1-stable")}`)).toContain(first.child)
  expect(quarter.text("wiki/Home.md")).toContain("2027.1-stable")

  const kept = [...world.registryLogin, `--artifacts=${quarter.folder}`, "--prefix=2027.1"]
  const production = await world.exported("tag-global-stable", kept)
  expect(production.report, production.text("report.md")).toMatchObject({ ok: true })
  expect(production.text("wiki/Stable_Tag.md")).toContain("2027.1-stable")
})

test("a registry that refuses the login is told with its answer", async () => {
  const ended = await world.call("status", world.registryLogin, { registryPassword: "not-it" })
  expect(ended.status).toBe(1)
  expect(ended.stdout + ended.stderr).toMatch(/401|unauthorized/i)
  expect(ended.stdout + ended.stderr).not.toContain("not-it")
})

test("no secret is anywhere", () => {
  expect(world.leaks()).toEqual([])
})
