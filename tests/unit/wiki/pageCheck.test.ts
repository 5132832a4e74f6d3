import { expect, test } from "vitest"
import type { ImageManifest } from "../../../dagger/lib/manifest/manifestData.js"
import { renderSetDiff } from "../../../dagger/lib/manifest/diffMarkdown.js"
import type { CheckedPair } from "../../../dagger/lib/wiki/change.js"
import { checkPages } from "../../../dagger/lib/wiki/pageCheck.js"
import { updateWiki } from "../../../dagger/lib/wiki/update.js"
import { wikiFilesOf } from "../../../dagger/lib/wiki/wikiFiles.js"
import { digestOf, manifestOf, packagesOf, publicationOf } from "../../support/manifests.js"

/** The image under a tag, with a digest and packages that tell which one it is. */
function image(tag: string, digit: string, packages: string): ImageManifest {
  const pip = { kind: "listed", packages: packagesOf(packages) } as const
  return manifestOf("base", tag, { digest: digestOf(digit), packages: { pip } })
}

const main = image("2026.4-main", "d", "numpy 2.0.0")
const current = image("2026.4-stable", "c", "numpy 1.26.4")
const earlier = image("2026.3-stable", "b", "numpy 1.25.0")

/** What a wiki with these images answers, and pages of the old pipeline beside them. */
function check(manifests: readonly ImageManifest[], pair: Partial<CheckedPair> = {}, old: string[] = []) {
  const pages = new Map(old.map((tag) => [`ghcr-io-example-base-${tag}.md`, "## Python Version\n"]))
  const { files } = updateWiki(wikiFilesOf(pages), publicationOf("1111111", manifests))
  const { problems, differences } = checkPages(wikiFilesOf(new Map([...pages, ...files])), [
    {
      from: "ghcr.io/example/base:2026.4-main",
      to: "ghcr.io/example/base:2026.4-stable",
      digest: digestOf("d"),
      previous: digestOf("c"),
      ...pair,
    },
  ])
  return {
    problems,
    notices: differences?.notices,
    text: renderSetDiff(differences?.images ?? []),
  }
}

test("with what the tag names so far", () => {
  const { problems, notices, text } = check([main, current, earlier])
  expect(problems).toEqual([])
  expect(notices).toEqual([])
  expect(text).toContain("From `ghcr.io/example/base:2026.4-stable` to `ghcr.io/example/base:2026.4-main`")
  expect(text).toContain("| numpy | upgraded | `1.26.4` | `2.0.0` |")
})

test("the first of a quarter, with the stable image of the quarter before", () => {
  const { text } = check([main, earlier])
  expect(text).toContain("| numpy | upgraded | `1.25.0` | `2.0.0` |")
})

test("the first of all is new", () => {
  expect(check([main]).text).toContain("| base | **new image** |")
})

test("production's first image, with the quarter before the one that is promoted", () => {
  const pair = { from: "ghcr.io/example/base:2026.4-stable", to: "ghcr.io/example/base:stable" }
  const { text } = check([current, earlier], { ...pair, digest: digestOf("c") })
  expect(text).toContain("| numpy | upgraded | `1.25.0` | `1.26.4` |")
})

test("a tag that moved without its page", () => {
  const { notices, text } = check([main, current], { previous: digestOf("e") })
  expect(text).toContain("| numpy | upgraded | `1.26.4` | `2.0.0` |")
  expect(notices).toEqual([
    `ghcr.io/example/base:2026.4-stable names ${digestOf("e")}, but is compared as its page ghcr-io-example-base-2026.4-stable.md has it: ${digestOf("c")}`,
  ])
  expect(check([main, current], { previous: undefined }).notices?.join()).toContain("names no image, but")
})

test.each([
  ["before", [main], ["2026.4-stable"], "2026.4-stable"],
  ["after", [earlier], ["2026.4-main"], "2026.4-main"],
])("pages of the old pipeline %s: left out", (_, manifests, old, tag) => {
  const { notices, text } = check(manifests, {}, old)
  expect(text).toBe("No images to compare.")
  expect(notices).toEqual([
    `ghcr.io/example/base:${tag} is left out: its page ghcr-io-example-base-${tag}.md has no data`,
  ])
})

test("a missing page is a problem, and nothing is compared", () => {
  const { problems, text } = check([earlier])
  expect(problems.join()).toContain("has no page ghcr-io-example-base-2026.4-main.md")
  expect(text).toBe("No images to compare.")
})

test("of images in one repository each with its own of the quarter before", () => {
  const shared = { tagPrefix: "cuda12-" }
  const cuda = (tag: string, digit: string, packages: string) => {
    const { packages: listed, digest } = image(tag, digit, packages)
    return manifestOf("base", `cuda12-${tag}`, { ...shared, name: "cuda", digest, packages: listed })
  }
  const manifests = [
    earlier,
    main,
    cuda("2026.3-stable", "e", "torch 2.4"),
    cuda("2026.4-main", "f", "torch 2.5"),
  ]
  const pair = {
    from: "ghcr.io/example/base:cuda12-2026.4-main",
    to: "ghcr.io/example/base:cuda12-2026.4-stable",
    digest: digestOf("f"),
  }
  const { problems, text } = check(manifests, pair)
  expect(problems).toEqual([])
  expect(text).toContain("| torch | upgraded | `2.4` | `2.5` |")
  expect(text).not.toContain("numpy")
})
