import { describe, expect, it } from "vitest"
import { anchorsOf, callsOf, linksOf } from "../../support/pages.js"

const page = (text: string) => ({ path: "docs/page.md", text })

describe("links of a page", () => {
  it.each([
    ["[a](spec.md)", [{ file: "docs/spec.md" }]],
    [
      "[a](../README.md#keys) and [b](#here)",
      [
        { file: "README.md", heading: "keys" },
        { file: "docs/page.md", heading: "here" },
      ],
    ],
    ["![picture](pictures/a.png)", [{ file: "docs/pictures/a.png" }]],
    ["[a](https://example.org)", []],
    ["`[a](no.md)`", []],
    ["```sh\n[a](no.md)\n```\n[b](yes.md)", [{ file: "docs/yes.md" }]],
  ])("%j", (text, expected) => {
    expect(linksOf(page(text))).toEqual(expected)
  })
})

describe("anchors of headings", () => {
  it.each([
    ["## Where the cache lives", "where-the-cache-lives"],
    ["# `images.<name>`", "imagesname"],
    ["## ssh, the wiki", "ssh-the-wiki"],
    ["## 2. Linking", "2-linking"],
  ])("%s", (heading, anchor) => {
    expect([...anchorsOf(heading)]).toEqual([anchor])
  })
})

describe("calls of a page", () => {
  it.each([
    ["./stack plan --source=. --only=a", [{ name: "plan", options: ["source", "only"] }]],
    ["./stack test unit", [{ name: "test", options: [] }]],
    ["`./stack rollback --source=. [--dry-run]`", [{ name: "rollback", options: ["source", "dry-run"] }]],
    ["./stack plan --source=. json # --not-this", [{ name: "plan", options: ["source"] }]],
    ["./stack plan --source=. artifacts export --path=out", [{ name: "plan", options: ["source"] }]],
    ["./stack plan \\\n  --only=a", [{ name: "plan", options: ["only"] }]],
    ["`./stack plan\n--only=a`", [{ name: "plan", options: ["only"] }]],
    ["./stack --progress=plain plan --only=a", [{ name: "plan", options: ["only"] }]],
    ['./stack prune --older-than="90 d" --keep=a', [{ name: "prune", options: ["older-than", "keep"] }]],
    ["./stack status $registry --source=.", [{ name: "status", options: ["source"] }]],
  ])("%j", (text, expected) => {
    expect(callsOf(page(text))).toEqual(expected)
  })
})
