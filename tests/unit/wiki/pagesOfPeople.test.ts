import { describe, expect, test } from "vitest"
import { checkPages } from "../../../dagger/lib/wiki/pageCheck.js"
import { updateWiki } from "../../../dagger/lib/wiki/update.js"
import { wikiFilesOf } from "../../../dagger/lib/wiki/wikiFiles.js"
import { digestOf, manifestOf, publicationOf } from "../../support/manifests.js"
import { apply, empty, links, oldHome, promotion, rowsOf, runOf } from "../../support/wikiTexts.js"
import type { Texts } from "../../support/wikiTexts.js"

describe("names of pages that a wiki cannot tell apart", () => {
  const tagged = (tag: string) => publicationOf("2", [manifestOf("base", tag)])

  test("two tags that differ in case only", () => {
    const texts = apply(empty, tagged("2026.4-Fix-A"))
    expect(() => apply(texts, tagged("2026.4-fix-a"))).toThrow(
      "ghcr.io/example/base:2026.4-fix-a would have the page ghcr-io-example-base-2026.4-fix-a.md, and the wiki has ghcr-io-example-base-2026.4-Fix-A.md: names of pages differ in more than their case",
    )
  })

  test("two images of one publication", () => {
    const both = publicationOf("2", [manifestOf("base", "Fix"), manifestOf("base", "fix")])
    expect(() => apply(empty, both)).toThrow("differ in more than their case")
  })

  test("a page of a person, and the tag that a promotion writes", () => {
    const texts = apply(
      new Map([["Ghcr-IO-example-base-2026.4-stable.md", "by hand\n"]]),
      tagged("2026.4-main"),
    )
    expect(() => apply(texts, promotion("2026.4-main", "2026.4-stable"))).toThrow("Ghcr-IO-example-base")
  })

  test("two such pages that are there already are continued", () => {
    const texts = new Map([...apply(empty, tagged("Fix")), ...apply(empty, tagged("fix"))])
    expect(() => apply(texts, tagged("fix"))).not.toThrow()
  })
})

describe("the home page of a wiki", () => {
  const homes = (texts: Texts) => [...texts.keys()].filter((path) => /home/i.test(path))

  test.each(["home.md", "HOME.MD", "Home.markdown", "home.mkdn"])("%s is continued", (path) => {
    const texts = apply(new Map([[path, oldHome]]), runOf("2222222"))
    expect(homes(texts)).toEqual([path])
    expect(rowsOf(texts, path)).toHaveLength(5)
    const repeated = updateWiki(wikiFilesOf(texts), runOf("2222222"), links)
    expect(repeated.files).toEqual(new Map())
    const archived = apply(new Map([[path, oldHome]]), runOf("2222222"), { ...links, recentRows: 1 })
    expect(archived.get("Archive-2023.2.md")).toContain(`[Home](${path.replace(/\..*/, "")})`)
  })

  test("Home.md goes before others", () => {
    const texts = apply(
      new Map([
        ["home.md", "old\n"],
        ["Home.rst", "old\n"],
        ["Home.md", oldHome],
      ]),
      runOf("2222222"),
    )
    expect(texts.get("home.md")).toBe("old\n")
    expect(rowsOf(texts)).toHaveLength(5)
  })

  test.each([
    ["Home.rst", "rows are written as Markdown: rename it to Home.md"],
    ["home.asciidoc", "rows are written as Markdown: rename it to Home.md"],
    ["Home.mediawiki", "the home page of the wiki is Home.mediawiki"],
  ])("%s is refused", (path, message) => {
    expect(() => apply(new Map([[path, "Hello"]]), runOf("2222222"))).toThrow(message)
  })

  test("two home pages, none of them Home.md, are refused", () => {
    const both = new Map([
      ["home.md", ""],
      ["Home.markdown", ""],
    ])
    expect(() => apply(both, runOf("2222222"))).toThrow(
      "the wiki has two home pages, home.md and Home.markdown: remove one of them",
    )
  })

  test.each(["Home.png", "docs/home.rst", "Homepage.rst", "home"])("%s is no home page", (path) => {
    expect(apply(new Map([[path, "x"]]), runOf("2222222")).has("Home.md")).toBe(true)
  })

  test("as a browser saves it, with CRLF: its rows, ours and the archive's block stay so", () => {
    const crlf = (text: string) => text.replaceAll("\n", "\r\n")
    const after = oldHome + "\n\nBye.\n"
    const change = runOf("2222222")
    const options = { ...links, recentRows: 2 }
    const plain = apply(new Map([["Home.md", after]]), change, options)
    const texts = apply(new Map([["Home.md", crlf(after)]]), change, options)
    expect(texts.get("Home.md")).toBe(crlf(plain.get("Home.md") ?? ""))
    expect(texts.get("data/wiki.json")).toBe(plain.get("data/wiki.json"))
    expect(updateWiki(wikiFilesOf(texts), change, options).files).toEqual(new Map())
    const next = apply(texts, runOf("3333333"), options)
    expect(next.get("Home.md")?.match(/archive: written/g)).toHaveLength(1)
  })

  test("with CRLF in some lines only, rows carry none, and the archive's block is found", () => {
    const options = { ...links, recentRows: 1 }
    const texts = apply(new Map([["Home.md", oldHome + "\n"]]), runOf("2222222"), options)
    const mixed = (texts.get("Home.md") ?? "").replaceAll(/(\||-->)\n/g, "$1\r\n") + "\nBye\n"
    const next = apply(new Map([...texts, ["Home.md", mixed]]), runOf("3333333"), options)
    expect(next.get("Home.md")?.match(/archive: written/g)).toHaveLength(1)
    expect(next.get("data/wiki.json")).not.toContain("\\r")
  })

  const example = "| Commit | Image | Manifest |\n|---|---|---|\n| an | example | row |"

  test.each([
    ["```", "```"],
    ["~~~~ md", "~~~~~"],
    ["  ```text", "````"],
    ["<!--", "-->"],
  ])("a table within %s is none", (open, close) => {
    const before = `${open}\n${example}\n${close}\n\n`
    const texts = apply(new Map([["Home.md", before + oldHome]]), runOf("2222222"))
    expect(texts.get("Home.md")).toMatch(/example \| row \|\n[^|]/)
    expect(texts.get("Home.md")?.startsWith(before)).toBe(true)
    expect(texts.get("data/wiki.json")).not.toContain("example | row")
  })

  test("a fence that never ends hides no table: rows are not written twice", () => {
    const home = new Map([["Home.md", `\`\`\`\n${example}\n`]])
    const texts = apply(apply(home, runOf("2222222")), runOf("3333333"))
    expect(texts.get("Home.md")?.match(/\| Commit/g)).toHaveLength(1)
    expect(rowsOf(texts)).toHaveLength(3)
  })
})

test("before a promotion moves a tag, the wiki is asked whether its home and its pages can be written", () => {
  const from = "ghcr.io/example/base:2026.4-main"
  const texts = apply(empty, publicationOf("2", [manifestOf("base", "2026.4-main")]))
  const pages = new Map([...texts].filter(([path]) => path !== "Home.md"))
  const files = wikiFilesOf(
    new Map([...pages, ["Home.rst", ""], ["ghcr-io-example-base-2026.4-STABLE.md", ""]]),
  )
  const pair = { from, to: from.replace("main", "stable"), digest: digestOf("a") }
  expect(checkPages(files, [pair]).problems).toEqual([
    expect.stringContaining("differ in more than their case"),
    expect.stringContaining("Home.rst"),
  ])
})
