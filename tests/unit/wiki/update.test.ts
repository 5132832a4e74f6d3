import { describe, expect, test } from "vitest"
import fc from "../../support/fastCheck.js"
import { pageProblems } from "../../../dagger/lib/wiki/promoted.js"
import { updateWiki } from "../../../dagger/lib/wiki/update.js"
import { wikiFilesOf } from "../../../dagger/lib/wiki/wikiFiles.js"
import { runs } from "../../support/fuzz.js"
import {
  digestOf,
  listsOf,
  manifestOf,
  packagesOf,
  publicationOf,
  twoPlatforms,
} from "../../support/manifests.js"
import {
  apply,
  empty,
  globalStable,
  links,
  oldHome,
  promotion,
  rowsOf,
  runOf,
} from "../../support/wikiTexts.js"
import type { Texts } from "../../support/wikiTexts.js"

describe("publishing", () => {
  test("of an index of which only another platform is new, the page keeps what is in the first", () => {
    const platforms = (arm: string, more = {}) => [
      { platform: "linux/amd64", digest: digestOf("1"), size: { compressed: 1, unpacked: 2 } },
      { platform: "linux/arm64", digest: digestOf(arm), size: { compressed: 3, ...more } },
    ]
    const first = manifestOf("base", "2026.4-main", { platforms: platforms("2", { unpacked: 4 }) })
    const published = apply(empty, publicationOf("1111111", [first]))
    const bare = { sections: [], packages: {}, layers: [] }
    const changed = { ...first, ...bare, digest: digestOf("9"), platforms: platforms("3", { unpacked: 5 }) }
    const page = apply(published, publicationOf("2222222", [changed])).get(
      "ghcr-io-example-base-2026.4-main.md",
    )
    expect(page).toContain(digestOf("9"))
    expect(page).toContain("numpy")
    expect(page).not.toContain("did not look into the image")
    expect(page).toContain(`| \`linux/arm64\` | \`${digestOf("3")}\` | 5 B unpacked, 3 B to download |`)

    // A run that took all of it as it is knows no unpacked size; the page does.
    const same = { ...changed, platforms: platforms("2") }
    const again = apply(published, publicationOf("3333333", [{ ...same, digest: digestOf("8") }]))
    expect(again.get("ghcr-io-example-base-2026.4-main.md")).toContain("4 B unpacked, 3 B to download")
  })

  test("what is in each platform is kept by its digest, and promoted with the page", () => {
    const first = twoPlatforms({ apt: "bash 5.2" }, { apt: "bash 5.2, arm-only 1" })
    const published = apply(empty, publicationOf("1111111", [first]))
    const path = "data/manifests/ghcr-io-example-base-2026.4-main.json"
    const [amd, arm] = first.platforms ?? []
    if (amd === undefined || arm === undefined) throw new Error("there are two")
    // amd64 is built anew, arm64 is taken as it is published.
    const newAmd = { ...amd, digest: digestOf("3") }
    const next = { ...first, digest: digestOf("8"), packages: listsOf({ apt: "bash 5.3" }) }
    const ofAmd = { ...next, platforms: [newAmd, { ...arm, packages: undefined }] }
    const texts = apply(published, publicationOf("2222222", [ofAmd]))
    expect(JSON.parse(texts.get(path) ?? "")).toMatchObject({
      packages: listsOf({ apt: "bash 5.3" }),
      platforms: [{ digest: digestOf("3") }, { packages: listsOf({ apt: "bash 5.2, arm-only 1" }) }],
    })
    const page = texts.get("ghcr-io-example-base-2026.4-main.md")
    expect(page).toContain("| arm-only | apt | none | `1` |")
    expect(apply(texts, publicationOf("2222222", [ofAmd]))).toEqual(texts)

    const promoted = apply(published, promotion("2026.4-main", "2026.4-stable", "9"))
    expect(promoted.get("ghcr-io-example-base-2026.4-stable.md")).toContain("| arm-only | apt | none | `1` |")
  })

  test("a row in the old form, newest first", () => {
    const first = apply(empty, publicationOf("1111111aaaa", [manifestOf("base"), manifestOf("ml")]))
    const second = apply(first, publicationOf("2222222aaaa", [manifestOf("base")]))
    expect(rowsOf(second)).toEqual([
      "|[`2222222`](https://github.com/example/stack/commit/2222222)|`ghcr.io/example/base:2026.4-main`|[base](https://github.com/example/stack/wiki/ghcr-io-example-base-2026.4-main)|",
      "|[`1111111`](https://github.com/example/stack/commit/1111111)|`ghcr.io/example/base:2026.4-main`<br>`ghcr.io/example/ml:2026.4-main`|[base](https://github.com/example/stack/wiki/ghcr-io-example-base-2026.4-main)<br>[ml](https://github.com/example/stack/wiki/ghcr-io-example-ml-2026.4-main)|",
    ])
  })

  test("a wiki of the old pipeline: one line more, all others to the byte", () => {
    const texts = apply(new Map([["Home.md", oldHome]]), publicationOf("1111111", [manifestOf()]))
    const lines = (texts.get("Home.md") ?? "").split("\n")
    expect(lines.filter((line) => !line.startsWith("|[`1111111`]"))).toEqual(oldHome.split("\n"))
    expect(lines[4]).toMatch(/^\|\[`1111111`\]/)
  })

  test("the old pipeline goes on writing: its new rows are taken over where they stand", () => {
    const texts = apply(new Map([["Home.md", oldHome]]), publicationOf("1111111", [manifestOf()]))
    const row = "|[`9999999`](https://x)|`o/base:2026.4-9999999`|[Link](https://x/e)|"
    const home = (texts.get("Home.md") ?? "").replace("|[`1111111`]", `${row}\n|[\`1111111\`]`)
    const after = apply(new Map([...texts, ["Home.md", home]]), runOf("2222222"))
    expect(rowsOf(after).map((line) => line.slice(3, 10))).toEqual([
      "2222222",
      "9999999",
      "1111111",
      "5c83aa3",
      "4a59260",
      "f0891f1",
      "f0891f1",
    ])
  })

  test("what people write stays: around the table and in a row", () => {
    const texts = apply(empty, publicationOf("1111111", [manifestOf()]))
    const home = (texts.get("Home.md") ?? "").replace(
      /\|\n$/,
      " (broken, do not use)|\n\nAsk the **help desk**.\n",
    )
    const edited = new Map([...texts, ["Home.md", `Read this first.\n\n${home}`]])
    const after = apply(edited, runOf("2222222")).get("Home.md") ?? ""
    expect(after).toMatch(/^Read this first\.\n\nImages of this stack/)
    expect(after).toContain(" (broken, do not use)|\n\nAsk the **help desk**.\n")
    expect(after.match(/1111111`/g)).toHaveLength(1)
  })

  test("a row that was deleted on the page comes back: the data is the truth", () => {
    const texts = apply(empty, publicationOf("1111111", [manifestOf()]))
    const emptied = new Map([...texts, ["Home.md", "Oops\n"]])
    expect(rowsOf(apply(emptied, runOf("2222222")))).toHaveLength(2)
  })

  test("older rows move to a page for each quarter that Home links to", () => {
    let texts: Texts = new Map([["Home.md", oldHome]])
    for (const sha of ["1111111", "2222222", "3333333"]) {
      texts = apply(texts, runOf(sha), { ...links, recentRows: 2 })
    }
    expect(rowsOf(texts)).toHaveLength(2)
    expect(rowsOf(texts, "Archive-2026.4.md")).toHaveLength(1)
    expect(rowsOf(texts, "Archive-2023.2.md")).toEqual(oldHome.split("\n").slice(4))
    expect(texts.get("Home.md")).toMatch(
      /\nOlder images: \[2026\.4\]\(Archive-2026\.4\), \[2023\.2\]\(Archive-2023\.2\)\n/,
    )
  })

  test("Home may grow again: no row stands on two pages", () => {
    let texts: Texts = new Map([["Home.md", oldHome]])
    texts = apply(texts, publicationOf("1111111", [manifestOf()]), { recentRows: 1 })
    texts = apply(texts, runOf("2222222"), { recentRows: 50 })
    expect(rowsOf(texts)).toHaveLength(6)
    expect(rowsOf(texts, "Archive-2023.2.md")).toEqual([])
  })

  test("the page tells what changed since the stable image", () => {
    const older = manifestOf("base", "2026.3-stable", {
      digest: digestOf("c"),
      packages: { pip: { kind: "listed", packages: packagesOf("numpy 1.25.0, pandas 2.2.0") } },
    })
    const texts = apply(apply(empty, publicationOf("1111111", [older])), runOf("2222222"))
    const page = texts.get("ghcr-io-example-base-2026.4-main.md")
    expect(page).toContain("## Changes since 2026.3-stable")
    expect(page).toContain("| numpy | upgraded | `1.25.0` | `1.26.4` |")
  })

  test("a run that published nothing new adds no row; one that goes back to an older image does", () => {
    const image = (digit: string) => [manifestOf("base", "2026.4-main", { digest: digestOf(digit) })]
    let texts = apply(empty, publicationOf("1111111", image("a")))
    expect(apply(texts, publicationOf("2222222", image("a")))).toEqual(texts)
    texts = apply(texts, publicationOf("3333333", image("b")))
    texts = apply(texts, publicationOf("4444444", image("a")))
    expect(rowsOf(texts).map((line) => line.slice(3, 10))).toEqual(["4444444", "3333333", "1111111"])
  })

  test("an image that was not looked into keeps what the wiki has on its digest, under whatever tag", () => {
    const old = manifestOf("base", "2026.4-branch", { created: "2026-09-01T00:00:00Z" })
    const slim = manifestOf("base", "2026.4-main", {
      commit: { sha: "ffff" },
      sections: [],
      packages: {},
      size: { compressed: 5 },
      layers: [],
    })
    delete slim.tests
    const texts = apply(apply(empty, publicationOf("1111111", [old])), publicationOf("2222222", [slim]))
    const path = (tag: string) => `data/manifests/ghcr-io-example-base-${tag}.json`
    const manifest = JSON.parse(texts.get(path("2026.4-main")) ?? "") as object
    const tags = ["2026.4-main", "2026.4-branch"]
    const size = { ...old.size, compressed: 5 }
    expect(manifest).toEqual({ ...old, reference: slim.reference, tags, size })
    expect(JSON.parse(texts.get(path("2026.4-branch")) ?? "")).toMatchObject({ tags: tags.toReversed() })
    expect(rowsOf(texts)).toHaveLength(2)
  })

  test("a test-only change replaces the tests on the page, and leaves when it was built", () => {
    const tests = { passed: 9, failed: 0, skipped: 0, errors: 0, seconds: 1 }
    const again = manifestOf("base", "2026.4-main", { tests, created: "2026-12-31T00:00:00Z" })
    const texts = apply(apply(empty, publicationOf("1111111", [manifestOf()])), publicationOf("2", [again]))
    const page = texts.get("ghcr-io-example-base-2026.4-main.md") ?? ""
    expect(page).toContain("9 passed in 1.0 s")
    expect(page).toContain("2026-10-01 12:00:05 UTC")
    expect(rowsOf(texts)).toHaveLength(1)
  })

  test("two repositories with one page name are refused", () => {
    const texts = apply(empty, publicationOf("1", [manifestOf("a", "1", { reference: "ghcr.io/a-b/c:1" })]))
    const other = publicationOf("2", [manifestOf("a", "1", { reference: "ghcr.io/a/b-c:1" })])
    expect(() => apply(texts, other)).toThrow("ghcr.io/a/b-c:1 and ghcr.io/a-b/c:1 would have the same page")
  })
})

describe("promoting", () => {
  const published = apply(empty, publicationOf("1111111", [manifestOf()]))

  test("the page is copied under the new tag, with a row of its own", () => {
    const texts = apply(published, promotion("2026.4-main", "2026.4-stable"))
    expect(rowsOf(texts)[0]).toMatch(/^\|\[`0123456`\].*`ghcr\.io\/example\/base:2026\.4-stable`/)
    const page = texts.get("ghcr-io-example-base-2026.4-stable.md")
    expect(page).toContain("# base 2026.4-stable")
    expect(page).toContain("| **Promoted from** | `ghcr.io/example/base:2026.4-main` |")
    expect(page).toContain("| **Tags** | `2026.4-stable` `2026.4-main` |")
    expect(texts.get("ghcr-io-example-base-2026.4-main.md")).toContain(
      "| **Tags** | `2026.4-main` `2026.4-stable` |",
    )
  })

  test("the page that had the tag before loses it", () => {
    const other = manifestOf("base", "2026.4-fix", { digest: digestOf("d") })
    let texts = apply(published, promotion("2026.4-main", "2026.4-stable"))
    texts = apply(texts, publicationOf("2222222", [other]))
    texts = apply(texts, promotion("2026.4-fix", "2026.4-stable", "d"))
    expect(texts.get("ghcr-io-example-base-2026.4-main.md")).toContain("| **Tags** | `2026.4-main` |")
    expect(texts.get("ghcr-io-example-base-2026.4-fix.md")).toContain(
      "| **Tags** | `2026.4-fix` `2026.4-stable` |",
    )
  })

  test("a page of the old pipeline is copied to the byte, with the commit of its row", () => {
    const row =
      "|[`4a59260`](https://github.com/o/r/commit/4a59260)|`ghcr.io/o/base:2023.2-main`|[Link](https://x/c)|"
    const old = new Map([
      ["Home.md", `| Commit | Image | Manifest |\n|---|---|---|\n${row}`],
      ["ghcr-io-o-base-2023.2-main.md", "## Python Version\r\n"],
    ])
    const images = [
      { from: "ghcr.io/o/base:2023.2-main", to: "ghcr.io/o/base:2023.2-stable", digest: digestOf("a") },
    ]
    const texts = apply(old, { kind: "promote", at: "2026-11-01T00:00:00Z", images })
    expect(texts.get("ghcr-io-o-base-2023.2-stable.md")).toBe("## Python Version\r\n")
    expect(rowsOf(texts)).toEqual([
      expect.stringMatching(/^\|\[`4a59260`\]\(https:\/\/github\.com\/o\/r\/commit\/4a59260\)\|.*stable/),
      row,
    ])
  })

  test("nothing is written when a page is missing or tells of another image", () => {
    expect(() => apply(published, promotion("2026.3-main", "2026.3-stable"))).toThrow(
      "has no page ghcr-io-example-base-2026.3-main.md",
    )
    expect(() => apply(published, promotion("2026.4-main", "2026.4-stable", "e"))).toThrow(
      "describes sha256:aaaa",
    )
    const change = promotion("2026.4-main", "2026.4-stable")
    expect(change.kind === "promote" && pageProblems(wikiFilesOf(published), change.images)).toEqual([])
  })
})

describe("global stable", () => {
  const stable = apply(
    apply(empty, publicationOf("1111111", [manifestOf()])),
    promotion("2026.4-main", "2026.4-stable"),
  )

  test("Stable_Tag.md is rewritten, Home is not touched", () => {
    const texts = apply(new Map([...stable, ["Stable_Tag.md", "| old |"]]), globalStable("2026.4-stable"))
    expect(texts.get("Stable_Tag.md")).toBe(
      [
        "| Global-Stable Image | Based On | Manifest | Digest |",
        "| --- | --- | --- | --- |",
        `| \`ghcr.io/example/base:stable\` | \`ghcr.io/example/base:2026.4-stable\` | [base](https://github.com/example/stack/wiki/ghcr-io-example-base-stable) | \`aaaaaaaaaaaa\` |`,
        "",
        "In production since 2026-12-01.",
        "",
      ].join("\n"),
    )
    expect(texts.get("Home.md")).toBe(stable.get("Home.md"))
    expect(texts.get("ghcr-io-example-base-stable.md")).toContain("# base stable")
  })

  test("a later run for the same images changes nothing", () => {
    const texts = apply(stable, globalStable("2026.4-stable"))
    expect(
      updateWiki(wikiFilesOf(texts), globalStable("2026.4-stable", "2027-01-01T00:00:00Z"), links).files.size,
    ).toBe(0)
  })
})

describe("properties", () => {
  const sha = fc.stringMatching(/^[0-9a-f]{10}$/)
  const tag = fc.constantFrom("2026.4-main", "2026.3-main", "2026.4-fix", "dev")
  const publication = fc
    .tuple(sha, fc.uniqueArray(fc.constantFrom("base", "ml", "r"), { minLength: 1 }), tag)
    .map(([commit, names, on]) =>
      publicationOf(
        commit,
        names.map((name) => manifestOf(name, on)),
      ),
    )
  const promotions = fc.constantFrom(
    promotion("2026.4-main", "2026.4-stable"),
    promotion("2026.3-main", "2026.3-stable"),
    globalStable("2026.4-main"),
  )
  const cell = fc.stringMatching(/^[a-z0-9`<>[\]()#*_ é-]{0,20}$/)
  const foreignRow = fc.tuple(cell, cell, cell).map((cells) => `|${cells.join("|")}|`)
  const prose = fc.stringMatching(/^[A-Za-z0-9 #*_\r.-]{0,30}$/)
  const page = fc
    .tuple(
      fc.array(prose, { maxLength: 3 }),
      fc.array(foreignRow, { maxLength: 8 }),
      fc.array(prose, { maxLength: 3 }),
    )
    .map(([before, rows, after]) => ({ before, rows, after }))
  /** Promotions have something to promote: both quarters' images are there. */
  const published = ["2026.4-main", "2026.3-main"].map((on) =>
    publicationOf("abcdef0", [manifestOf("base", on)]),
  )
  const history = fc
    .array(fc.oneof(publication, promotions), { minLength: 1, maxLength: 5 })
    .map((changes) => [...published, ...changes])
  const recent = fc.integer({ min: 1, max: 12 })

  test("any sequence of changes can be repeated without an effect, and loses no foreign row and no prose", () => {
    fc.assert(
      fc.property(page, history, recent, ({ before, rows, after }, changes, recentRows) => {
        const header = ["| Commit | Image | Manifest |", "|---|---|---|"]
        const home = [...before, ...header, ...rows, "", ...after].join("\n")
        const options = { ...links, recentRows }
        let texts: Texts = new Map([["Home.md", home]])
        for (const change of changes) {
          texts = apply(texts, change, options)
          expect(updateWiki(wikiFilesOf(texts), change, options).files).toEqual(new Map())
        }
        const pages = [...texts].filter(([path]) => /^(?:Home|Archive-.*)\.md$/.test(path))
        const lines = pages.flatMap(([, text]) => text.split("\n"))
        const count = (list: readonly string[], line: string): number =>
          list.filter((each) => each === line).length
        for (const row of rows) expect(count(lines, row)).toBeGreaterThanOrEqual(count(rows, row))
        const ours = new Set(changes.map((change) => JSON.stringify(change)))
        const tableRows = pages.flatMap(([path]) => rowsOf(texts, path))
        expect(tableRows.filter((line) => line.includes("/commit/")).length).toBeLessThanOrEqual(ours.size)
        const kept = (texts.get("Home.md") ?? "").split("\n")
        expect(kept.slice(0, before.length)).toEqual(before)
        expect(kept.slice(kept.length - after.length)).toEqual(after)
      }),
      runs(60),
    )
  })
})
