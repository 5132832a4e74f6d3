import { describe, expect, test } from "vitest"
import { candidateTag } from "../../../dagger/lib/plan/facts.js"
import { joinedKey } from "../../../dagger/lib/plan/platforms.js"
import type { PlatformDigest } from "../../../dagger/lib/registry/joinIndex.js"
import type { Publishing } from "../../../dagger/lib/report/report.js"
import type { EndedImage, ImageJob } from "../../../dagger/lib/run/execution.js"
import type { PlatformRun } from "../../../dagger/lib/run/joinPlatforms.js"
import { executePlatforms } from "../../../dagger/lib/run/joinPlatforms.js"
import type { EmulatedTests } from "../../../dagger/lib/spec/platforms.js"
import { withoutEngine } from "../../support/absentEngine.js"
import { executionFor, jobOf, memoryTags } from "../../support/imageJobs.js"

withoutEngine()

const amd = "linux/amd64"
const arm = "linux/arm64"
const digest = (letter: string): string => `sha256:${letter.repeat(64)}`

interface Settings {
  readonly publishing?: Publishing
  readonly indexes?: ReadonlyMap<string, string>
  readonly tests?: EmulatedTests
}

function runFor(
  platform: string,
  jobs: readonly ImageJob[],
  { publishing = "together", indexes = new Map(), tests = "full" }: Settings,
): PlatformRun {
  const own = jobs.map((job) => ({ ...job, platform }))
  return {
    ...executionFor(own, { publishing, platform, tests: platform === arm ? tests : "full" }),
    isEmulated: platform === arm,
    indexes,
  }
}

/** What a run on both platforms leaves: the ends of its images, their tags, and the indexes that it wrote. */
async function run(onAmd: readonly ImageJob[], onArm: readonly ImageJob[], settings: Settings = {}) {
  const tags = new Map<string, string>()
  const written: { image: string; images: readonly PlatformDigest[]; tag: string }[] = []
  const order = [...new Set([...onAmd, ...onArm].map(({ name }) => name))]
  const ends = await executePlatforms(
    [runFor(amd, onAmd, settings), runFor(arm, onArm, settings)],
    order,
    memoryTags(tags),
    (image, _, images, tag) => {
      written.push({ image, images, tag })
      return Promise.resolve(digest("9"))
    },
  )
  return { ends: new Map<string, EndedImage>(ends.map((end) => [end.job.name, end])), tags, written }
}

const retag = (name: string, key: string) => jobOf(name, "retag", { inputKey: key.repeat(64) }, digest(key))
const reuse = (name: string, key: string) => jobOf(name, "reuse", { inputKey: key.repeat(64) }, digest(key))

describe("an image of two platforms", () => {
  test("gets an index of both, under the tag of a candidate and that of the run", async () => {
    const { ends, tags, written } = await run([retag("a", "1")], [reuse("a", "2")])
    const images = [
      { platform: amd, digest: digest("1") },
      { platform: arm, digest: digest("2") },
    ]
    const tag = candidateTag(joinedKey(["1".repeat(64), "2".repeat(64)]))
    expect(written).toEqual([{ image: "a", images, tag }])
    expect(tags.get("example/a:2026.4-main")).toBe(digest("9"))
    expect(ends.get("a")).toMatchObject({
      digest: digest("9"),
      published: true,
      outcome: { kind: "retagged" },
    })
  })

  test("keeps its index where both are in it, and is left alone where the tag names it", async () => {
    const indexes = new Map([["a", digest("8")]])
    const moved = await run([retag("a", "1")], [retag("a", "2")], { indexes })
    expect(moved.written).toEqual([])
    expect(moved.tags.get("example/a:2026.4-main")).toBe(digest("8"))
    const same = await run([reuse("a", "1")], [reuse("a", "2")], { indexes })
    expect(same.ends.get("a")).toMatchObject({
      digest: digest("8"),
      published: true,
      outcome: { kind: "reused" },
    })
    expect(same.tags.size + same.written.length).toBe(0)
  })

  test("that is missing on one of them stops the tags of all, and says where it failed", async () => {
    const { ends, tags, written } = await run(
      [retag("a", "1"), retag("b", "3")],
      [jobOf("a", "build"), retag("b", "4")],
    )
    expect(ends.get("a")?.outcome).toMatchObject({
      kind: "build-failed",
      message: expect.stringMatching(/^linux\/arm64: /) as string,
    })
    expect(written.map(({ image }) => image)).toEqual(["b"])
    expect([...tags.keys()]).toEqual([])
    expect(ends.get("b")).toMatchObject({ published: false, outcome: { kind: "not-needed" } })
  })

  test("is tagged by itself with --publish-each, and not before both of its platforms are there", async () => {
    const { tags } = await run([retag("a", "1"), retag("b", "3")], [jobOf("a", "build"), retag("b", "4")], {
      publishing: "each",
    })
    expect([...tags.keys()]).toEqual(["example/b:2026.4-main"])
  })

  test("is joined by a run that moves no tags, and nowhere where nothing may be written", async () => {
    const candidates = await run([retag("a", "1")], [retag("a", "2")], { publishing: "candidates" })
    expect([candidates.written.length, candidates.tags.size]).toEqual([1, 0])
    const nothing = await run([retag("a", "1")], [retag("a", "2")], { publishing: "nothing" })
    expect([nothing.written.length, nothing.tags.size]).toEqual([0, 0])
  })
})

test("an image of one platform is published as it is, without an index", async () => {
  const { ends, tags, written } = await run([retag("a", "1"), retag("b", "3")], [retag("a", "2")])
  expect(written.map(({ image }) => image)).toEqual(["a"])
  expect(tags.get("example/b:2026.4-main")).toBe(digest("3"))
  expect(ends.get("b")).toMatchObject({ digest: digest("3"), published: true })
})
