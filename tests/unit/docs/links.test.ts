import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { moduleFunctions } from "../../support/moduleFunctions.js"
import { allPages, anchorsOf, callsOf, linksOf } from "../../support/pages.js"
import { checkout } from "../../support/stack.js"

const pages = allPages()
const functions = moduleFunctions()
/** Options that the script itself adds to a function. */
const scriptOptions: Readonly<Record<string, readonly string[]>> = { "test-image": ["watch"] }
/** Commands of the script itself. */
const commands = ["functions", "test", "bench", "last", "reproduce", "engine"]

describe.each(pages.map((page) => [page.path, page] as const))("%s", (_path, page) => {
  it("has links that lead to files and headings", () => {
    const broken = linksOf(page).filter(({ file, heading }) => {
      const target = join(checkout, file)
      if (!existsSync(target)) return true
      return heading !== undefined && !anchorsOf(readFileSync(target, "utf8")).has(heading)
    })
    expect(broken).toEqual([])
  })

  it("names functions and options that exist", () => {
    const wrong = callsOf(page).filter(({ name, options }) => {
      if (commands.includes(name)) return false
      const known = functions.get(name)
      const others = ["help", ...(scriptOptions[name] ?? [])]
      return known === undefined || options.some((each) => !others.includes(each) && !known.options.has(each))
    })
    expect(wrong).toEqual([])
  })

  it("has no gap left to fill in", () => {
    expect(page.text.match(/@@\w*|TODO|TBD/g) ?? []).toEqual([])
  })
})

it("is reached from the table of contents", () => {
  const book = pages.find(({ path }) => path === "docs/README.md")
  const listed = new Set(book === undefined ? [] : linksOf(book).map(({ file }) => file))
  const unlisted = pages.map(({ path }) => path).filter((path) => !listed.has(path))
  expect(unlisted.filter((path) => !["docs/README.md", "CONTRIBUTING.md"].includes(path))).toEqual([])
})

it("names every function in the README", () => {
  const readme = pages.find(({ path }) => path === "README.md")
  const missing = [...functions.keys()].filter((name) => readme?.text.includes(`\`${name}\``) !== true)
  expect(missing).toEqual([])
})
