import { describe, expect, test } from "vitest"
import { compareSets, taggedSet } from "../../../dagger/lib/wiki/comparedSet.js"
import { lookUp } from "../../../dagger/lib/wiki/lookup.js"
import type { PublishedRun } from "../../../dagger/lib/wiki/publication.js"
import { parsePublishedRun, publicationOf } from "../../../dagger/lib/wiki/publication.js"
import { updateWiki } from "../../../dagger/lib/wiki/update.js"
import { WikiDraft, wikiFilesOf } from "../../../dagger/lib/wiki/wikiFiles.js"
import * as support from "../../support/manifests.js"

const { digestOf, manifestOf } = support

function image(
  name: string,
  changes: Partial<PublishedRun["images"][number]> = {},
): PublishedRun["images"][number] {
  return {
    name,
    reference: `ghcr.io/example/${name}:2026.4-main`,
    digest: digestOf("a"),
    published: true,
    ...changes,
  }
}

function run(changes: Partial<PublishedRun> = {}): PublishedRun {
  return {
    ok: true,
    publish: true,
    tag: "2026.4-main",
    startedAt: Date.UTC(2026, 9, 1),
    source: { branch: "main", commit: "1111111", message: "Add", committedAt: "2026-09-30T00:00:00Z" },
    images: [image("base"), image("ml")],
    ...changes,
  }
}

describe("what a run has for the wiki", () => {
  const manifests = [manifestOf("ml"), manifestOf("base"), manifestOf("base", "2026.4-other")]

  test("the manifests of what it published, in the order of its images", () => {
    expect(publicationOf(run(), manifests, false)).toEqual({
      kind: "change",
      change: {
        kind: "publish",
        at: "2026-10-01T00:00:00.000Z",
        commit: { sha: "1111111", message: "Add", time: "2026-09-30T00:00:00Z" },
        manifests: [manifests[1], manifests[0]],
      },
    })
  })

  test("nothing of images that were left alone", () => {
    const partly = run({ images: [image("base"), image("ml", { published: false })] })
    expect(publicationOf(partly, manifests, false)).toMatchObject({ change: { manifests: [manifests[1]] } })
  })

  test.each([
    ["a failed run", run({ ok: false }), "refused", "the run failed"],
    ["a run without --publish", run({ publish: false }), "refused", "build with --publish"],
    ["another branch", run({ source: { branch: "dev" } }), "refused", 'of the branch "dev"'],
    ["a missing manifest", run({ images: [image("none")] }), "refused", "ghcr.io/example/none:2026.4-main"],
    [
      "a manifest of another digest",
      run({ images: [image("base", { digest: digestOf("b") })] }),
      "refused",
      "not complete",
    ],
    ["a skipped run", run({ skippedByRequest: "[skip ci]", images: [] }), "nothing", "[skip ci]"],
    ["a run without images", run({ images: [image("base", { published: false })] }), "nothing", "no image"],
  ])("%s", (_name, report, kind, why) => {
    expect(publicationOf(report, manifests, false)).toEqual({
      kind,
      why: expect.stringContaining(why) as string,
    })
  })

  test("another branch where it is asked for", () => {
    expect(publicationOf(run({ source: { branch: "dev" } }), manifests, true)).toMatchObject({
      kind: "change",
    })
  })

  test.each(["", "[]", "{}", '{"ok": true}'])("%j is no report", (json) => {
    expect(parsePublishedRun(json)).toBeUndefined()
  })
})

describe("the images of a tag", () => {
  const wiki = new WikiDraft(wikiFilesOf(new Map([["ghcr-io-example-ml-2026.3-stable.md", "old"]])))
  const both = [manifestOf("base"), manifestOf("ml"), manifestOf("base", "2026.3-stable")]
  for (const [path, text] of updateWiki(wiki, support.publicationOf("1", both)).files) wiki.write(path, text)
  const setOf = (tag: string) => {
    const names = ["base", "ml", "new"]
    const found = names.map((name) => ({ name, entry: lookUp(wiki, `ghcr.io/example/${name}:${tag}`) }))
    return taggedSet(tag, found)
  }

  test("an image with a page of the old pipeline is left out of the comparison, with a notice", () => {
    const [from, to] = [setOf("2026.3-stable"), setOf("2026.4-main")]
    if (typeof from === "string" || typeof to === "string") throw new Error("expected sets")
    expect(from.notices).toEqual([expect.stringContaining("ghcr.io/example/ml:2026.3-stable is left out")])
    expect(compareSets(from, to).map(({ kind, name }) => [kind, name])).toEqual([["compared", "base"]])
    expect(compareSets({ ...from, undescribed: [] }, to).map(({ kind }) => kind)).toEqual([
      "compared",
      "added",
    ])
  })

  test("a tag without any page is told", () => {
    expect(setOf("2020.1-stable")).toBe("the wiki has no page of an image tagged 2020.1-stable")
  })
})
