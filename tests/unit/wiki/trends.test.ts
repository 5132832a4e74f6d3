import { describe, expect, test } from "vitest"
import { parseManifest } from "../../../dagger/lib/manifest/manifestData.js"
import { renderTrend, renderTrends } from "../../../dagger/lib/wiki/trendPicture.js"
import { describeTrend, figuresOf, trendOf, trendsOfNewest } from "../../../dagger/lib/wiki/trends.js"
import type { ImageFigures, WikiRow } from "../../../dagger/lib/wiki/wikiIndex.js"
import { digestOf, manifestOf, packagesOf, publicationOf } from "../../support/manifests.js"
import { apply, empty, oldHome, promotion, rowsOf } from "../../support/wikiTexts.js"
import type { Texts } from "../../support/wikiTexts.js"

const reference = "ghcr.io/example/base:2026.4-main"
const page = "ghcr-io-example-base-2026.4-main"
const picture = `trends/${page}.svg`

/** Rows of runs that had these figures, given oldest first. */
function rowsWith(...figures: readonly (ImageFigures | undefined)[]): readonly WikiRow[] {
  return figures
    .map((each, index): WikiRow => {
      const at = new Date(Date.UTC(2026, 9, 1 + index)).toISOString()
      return {
        line: `|${index}|`,
        kind: "publish",
        at,
        images: [{ reference, ...(each && { figures: each }) }],
      }
    })
    .toReversed()
}

/** A run that built the image anew. */
function run(texts: Texts, sha: string, megabytes: number, name = "base"): Texts {
  const digest = digestOf(sha.slice(0, 1))
  const size = { unpacked: megabytes * 1e6 }
  return apply(
    texts,
    publicationOf(sha, [manifestOf(name, "2026.4-main", { digest, size, buildSeconds: 75 })]),
  )
}

describe("figures", () => {
  test("of a manifest, as far as it tells", () => {
    const packages = {
      pip: { kind: "listed" as const, packages: packagesOf("numpy 1, pandas 2") },
      apt: { kind: "listed" as const, packages: packagesOf("curl 8") },
      r: { kind: "failed" as const, reason: "none" },
      conda: { kind: "absent" as const },
    }
    const manifest = manifestOf("base", "2026.4-main", { packages, buildSeconds: 75 })
    expect(figuresOf(manifest)).toEqual({ bytes: 74_800_000, buildSeconds: 75, tests: 3, packages: 3 })
    const { tests, ...bare } = manifestOf("base", "2026.4-main", { packages: {}, size: {} })
    expect(tests).toBeDefined()
    expect(figuresOf(bare)).toEqual({})
  })

  test("manifests of earlier versions, without a build's time, are read", () => {
    expect(parseManifest(JSON.stringify(manifestOf())).buildSeconds).toBeUndefined()
  })
})

describe("a trend", () => {
  test("of one run, and of runs without figures, is none", () => {
    expect(trendOf({ rows: rowsWith({ bytes: 1 }) }, reference)).toBeUndefined()
    expect(trendOf({ rows: rowsWith({ bytes: 1 }, undefined, {}) }, reference)).toBeUndefined()
    expect(trendOf({ rows: rowsWith({ bytes: 1 }, { bytes: 2 }) }, "ghcr.io/example/other:1")).toBeUndefined()
  })

  test("has the last fifty runs, oldest first, and a gap where one did not know", () => {
    const figures = Array.from({ length: 60 }, (_, index) =>
      index === 58 ? { tests: 1 } : { bytes: index * 1e6 },
    )
    const trend = trendOf({ rows: rowsWith(...figures) }, reference)
    expect(trend).toMatchObject({ name: "base", runs: 50, from: "2026-10-11", to: "2026-11-29" })
    const size = trend?.lines.find(({ label }) => label === "Unpacked size")
    expect(size?.values.slice(-3)).toEqual([57e6, undefined, 59e6])
    expect(size?.values[0]).toBe(10e6)
    expect(trend?.lines.map(({ label }) => label)).toEqual(["Unpacked size", "Tests passed"])
  })

  test.each([
    ["2027.1-main", true],
    ["4.6.1-main", true],
    ["2026.4-stable", false],
    ["py3.12-main", false],
  ])("goes on under the tag %s: %s", (tag, goesOn) => {
    const rows = rowsWith({ bytes: 1 }, { bytes: 2 })
    expect(trendOf({ rows }, `ghcr.io/example/base:${tag}`) !== undefined).toBe(goesOn)
  })

  test("in words, with units", () => {
    const rows = rowsWith(
      { bytes: 1.2e9, buildSeconds: 50, tests: 3, packages: 400 },
      { bytes: 1.3e9, buildSeconds: 75, tests: 4, packages: 410 },
    )
    const trend = trendOf({ rows }, reference)
    expect(trend && describeTrend(trend)).toBe(
      "base, 2 runs from 2026-10-01 to 2026-10-02: Unpacked size 1.20 GB to 1.30 GB, Build 50.0 s to 1 min 15 s, Tests passed 3 to 4, Packages 400 to 410",
    )
  })

  test("on the home page is that of the images of the newest run", () => {
    const promoted = { line: "", kind: "promote" as const, at: "", images: [{ reference: `${reference}x` }] }
    const rows = [promoted, ...rowsWith({ bytes: 1 }, { bytes: 2 })]
    expect(trendsOfNewest({ rows }).map(({ name }) => name)).toEqual(["base"])
    expect(trendsOfNewest({ rows: [] })).toEqual([])
  })
})

describe("a picture", () => {
  const rows = rowsWith(
    { bytes: 100e6, tests: 3 },
    { bytes: 300e6, tests: 3 },
    {},
    { tests: 3 },
    { bytes: 200e6, tests: 3 },
  )
  const trend = trendOf({ rows }, reference)
  if (trend === undefined) throw new Error("no trend")

  test("has a curve with gaps, its extremes, days and last value, and a text for those who do not see it", () => {
    const svg = renderTrend(trend)
    // Four runs with figures: the third of them knows no size.
    expect(
      [...svg.matchAll(/<polyline class="curve" points="([^"]*)"/g)].map(([, points]) => points),
    ).toEqual(["16,136 136,40", "400,88 520,88 640,88 760,88"])
    expect(
      [...svg.matchAll(/<circle class="dot" cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [x, y]),
    ).toEqual([
      ["376", "88"],
      ["760", "88"],
    ])
    for (const text of [
      "Unpacked size",
      "200 MB",
      "100 MB to 300 MB",
      "always 3",
      "2026-10-01",
      "2026-10-05",
    ])
      expect(svg).toContain(`>${text}</text>`)
    expect(svg).toContain(`<desc id="desc">${describeTrend(trend)}</desc>`)
    expect(svg).toContain("prefers-color-scheme: dark")
    expect(svg).not.toContain("NaN")
    expect(svg).not.toContain("<script")
  })

  test("is XML, whatever the image is called", () => {
    const name = `a"<b>&'`
    for (const svg of [renderTrend({ ...trend, name }), renderTrends([trend, { ...trend, name }])]) {
      expect(svg).toContain("a&quot;&lt;b&gt;&amp;'")
      expect(
        svg.replaceAll(/<\/?(?:svg|title|desc|style|rect|line|text|polyline|circle)[^<>]*>/g, ""),
      ).not.toMatch(/[<>]/)
    }
  })

  test("of all images has a line for each, and is as high as it takes", () => {
    const heights = [1, 2].map((count) => /height="(\d+)"/.exec(renderTrends(Array(count).fill(trend)))?.[1])
    expect(heights).toEqual(["120", "232"])
  })
})

describe("in a wiki", () => {
  test("the second run brings a picture to the page and to Home, above the rows", () => {
    const first = run(empty, "1111111", 70)
    expect([...first.keys()].filter((path) => path.endsWith(".svg"))).toEqual([])
    const texts = run(first, "2222222", 80)
    expect([...texts.keys()].filter((path) => path.endsWith(".svg"))).toEqual([picture, "trends/Home.svg"])
    expect(texts.get(`${page}.md`)).toContain(
      `## Trends\n\n![base, 2 runs from 2026-10-01 to 2026-10-01: Unpacked size 70.0 MB to 80.0 MB,`,
    )
    expect(texts.get(`${page}.md`)).toContain(`](${picture})\n`)
    expect(texts.get(`${page}.md`)).toContain("| **Build** | 1 min 15 s |")
    const home = texts.get("Home.md") ?? ""
    expect(home).toMatch(
      /-->\n\n!\[base, [^\n]*\]\(trends\/Home\.svg\)\n\n<!-- end of trends -->\n\n\| Commit/,
    )
    expect(rowsOf(texts)).toHaveLength(2)
    expect(run(texts, "2222222", 80)).toEqual(texts)
  })

  test("the block on Home is written once, and what people write around it stays", () => {
    let texts = new Map([...run(new Map([["Home.md", oldHome]]), "1111111", 70)])
    texts = new Map(run(texts, "2222222", 80))
    texts.set("Home.md", `Read this.\n\n${texts.get("Home.md") ?? ""}`)
    const home = run(texts, "3333333", 90).get("Home.md") ?? ""
    expect(home.match(/Home\.svg/g)).toHaveLength(1)
    expect(home).toMatch(/^Read this\.\n\nWelcome to the datahub-docker-stack wiki!\n\n<!-- trends/)
    expect(home).toContain("90.0 MB")
  })

  test("rows of earlier versions have no figures, and a promotion has those of what it promotes", () => {
    const texts = run(empty, "1111111", 70)
    const index = JSON.parse(texts.get("data/wiki.json") ?? "") as {
      rows: { images: { figures?: unknown }[] }[]
    }
    for (const { images } of index.rows) for (const image of images) delete image.figures
    const older = new Map([...texts, ["data/wiki.json", JSON.stringify(index)]])
    const second = run(older, "2222222", 80)
    expect(second.has(picture)).toBe(false)
    const promoted = apply(second, promotion("2026.4-main", "2026.4-stable", "2"))
    expect(JSON.parse(promoted.get("data/wiki.json") ?? "")).toMatchObject({
      rows: [{ kind: "promote", images: [{ figures: { bytes: 80e6, buildSeconds: 75 } }] }, {}, {}],
    })
    expect(run(promoted, "3333333", 90).get(picture)).toContain("80.0 MB to 90.0 MB")
  })

  test("what is known of a build stays with its digest", () => {
    const again = manifestOf("base", "2026.4-main", { digest: digestOf("1"), buildSeconds: 1 })
    const texts = apply(run(empty, "1111111", 70), publicationOf("2222222", [again]))
    expect(texts.get(`${page}.md`)).toContain("| **Build** | 1 min 15 s |")
  })
})
