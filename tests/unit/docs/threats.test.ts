import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { checkout } from "../../support/stack.js"

const page = readFileSync(join(checkout, "docs/threats.md"), "utf8")

/** Tests that the page names, with the file behind the link before them. */
const named = [...page.matchAll(/\]\(\.\.\/(tests\/[^)]+)\)((?:,? `[^`]+`)+)/g)].flatMap(
  ([, file = "", names = ""]) =>
    [...names.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => [file, name] as const),
)

test("each test that the page of threats names is there", () => {
  expect(named.length).toBeGreaterThan(60)
  const missing = named.filter(([file, name]) => {
    const path = join(checkout, file)
    // As a title, a row of a table of tests, or the name of an entry.
    return !existsSync(path) || !titlesOf(readFileSync(path, "utf8")).has(name)
  })
  expect(missing).toEqual([])
})

test("each row names a test", () => {
  const rows = page.split("\n").filter((line) => /^\| (?!tried|---)/.test(line))
  expect(rows.filter((row) => !/\]\(\.\.\/tests\/[^)]+\),? `/.test(row))).toEqual([])
})

function titlesOf(text: string): ReadonlySet<string> {
  const quoted = [...text.matchAll(/(?:\(\s*|\[\s*|^\s*)"((?:[^"\\\n]|\\.)+)"/gm)].map(
    ([, title = ""]) => title,
  )
  // A name without quotes is one as a key.
  const keys = [...text.matchAll(/^ {2}([\w-]+): \{$/gm)].map(([, key = ""]) => key)
  return new Set([...quoted.map((title) => title.replaceAll('\\"', '"')), ...keys])
}
