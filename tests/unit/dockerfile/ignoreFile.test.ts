import type { Problem } from "../../../dagger/lib/problems.js"
import { describe, expect, it } from "vitest"
import fc from "../../support/fastCheck.js"
import { isIgnored, parseIgnoreFile, patternsBelow } from "../../../dagger/lib/dockerfile/ignoreFile.js"
import { formatProblem } from "../../../dagger/lib/problems.js"
import { runs } from "../../support/fuzz.js"

function parse(patterns: readonly string[]) {
  const problems: Problem[] = []
  const ignoreFile = parseIgnoreFile(".dockerignore", patterns.join("\n"), problems)
  return { ignoreFile, problems: problems.map(formatProblem) }
}

const paths = [
  "a",
  "a.txt",
  "x.pyc",
  "dir/a.txt",
  "dir/x.pyc",
  "dir/sub/a.txt",
  "dir/sub/keep/b",
  "c++.md",
  "#file",
  "with space/f",
]

/** What the patterns leave of `paths`. */
function kept(...patterns: readonly string[]): readonly string[] {
  const { ignoreFile } = parse(patterns)
  return paths.filter((path) => !isIgnored(ignoreFile, path))
}

function without(...ignored: readonly string[]): readonly string[] {
  return paths.filter((path) => !ignored.includes(path))
}

describe("isIgnored", () => {
  it.each([
    ["a name at the top", ["a.txt"], without("a.txt")],
    ["a folder with all in it", ["dir"], paths.filter((path) => !path.startsWith("dir/"))],
    ["a leading slash", ["/dir/sub"], without("dir/sub/a.txt", "dir/sub/keep/b")],
    ["a trailing slash", ["dir/sub/"], without("dir/sub/a.txt", "dir/sub/keep/b")],
    ["a star within a folder", ["*.txt"], without("a.txt")],
    ["a star for a folder", ["*/a.txt"], without("dir/a.txt")],
    ["two stars", ["**/a.txt"], without("a.txt", "dir/a.txt", "dir/sub/a.txt")],
    ["two stars before a suffix", ["**.pyc"], without("x.pyc", "dir/x.pyc")],
    ["two stars in the middle", ["dir/**/b"], without("dir/sub/keep/b")],
    ["two stars at the end", ["dir/**"], paths.filter((path) => !path.startsWith("dir/"))],
    ["everything", ["**"], []],
    ["everything but", ["*", "!a.txt"], ["a.txt"]],
    [
      "a folder but for a file",
      ["dir", "!dir/sub/a.txt"],
      without("dir/a.txt", "dir/x.pyc", "dir/sub/keep/b"),
    ],
    ["the last match wins", ["*.txt", "!a.txt", "a.*"], without("a.txt")],
    ["a question mark", ["?.txt"], without("a.txt")],
    ["a class", ["[a-b]*"], without("a", "a.txt")],
    ["a negated class", ["[^a-z]*"], without("#file")],
    ["operators of regular expressions as text", ["c++.md"], without("c++.md")],
    ["an escape", ["\\#file"], without("#file")],
    ["a comment", ["#file"], paths],
    ["blanks around", ["  a.txt  ", "", "! dir/x"], without("a.txt")],
    ["dots inside", ["./dir/../a.txt"], without("a.txt")],
    ["the context itself, which cannot be left out", [".", "/"], paths],
    ["what is outside", ["../a.txt"], paths],
    ["case", ["A.TXT"], paths],
  ])("%s", (_, patterns, expected) => {
    expect(kept(...patterns)).toEqual(expected)
  })

  it.each([
    ["!", '.dockerignore:1:1: the pattern "!" is not valid: "!" stands before a pattern'],
    ["  a[", '.dockerignore:1:3: the pattern "a[" is not valid: a "[" is not closed, or a "\\" ends it'],
    ["[^]", '.dockerignore:1:1: the pattern "[^]" is not valid: a "[" is not closed, or a "\\" ends it'],
    [
      "a\\b",
      '.dockerignore:1:1: the pattern "a\\b" is not valid: "\\b" is not that character for builders: write it without "\\"',
    ],
    [
      "[?a]",
      '.dockerignore:1:1: the pattern "[?a]" is not valid: builders take a * or ? for a wildcard even between [ and ]',
    ],
    [
      "^*",
      '.dockerignore:1:1: the pattern "^*" is not valid: builders take a "^" beside wildcards for the start of the path',
    ],
  ])("%s is a problem", (pattern, problem) => {
    expect(parse([pattern]).problems).toEqual([problem])
  })
})

describe("patternsBelow", () => {
  const name = fc.constantFrom("a", "b", "ab", "x.py", "*", "**", "?", "a*", "*.py", "**b", "[ab]", "..", ".")
  const pattern = fc
    .tuple(fc.boolean(), fc.boolean(), fc.array(name, { minLength: 1, maxLength: 4 }))
    .map(([negated, rooted, names]) => `${negated ? "!" : ""}${rooted ? "/" : ""}${names.join("/")}`)
  const path = fc.array(fc.constantFrom("a", "b", "ab", "x.py", "cb"), { minLength: 1, maxLength: 4 })

  it("mean the same one folder up", () => {
    fc.assert(
      fc.property(fc.array(pattern, { maxLength: 5 }), path, (patterns, names) => {
        const { ignoreFile } = parse(patterns)
        const { ignoreFile: below } = parse(patternsBelow("images/x", ignoreFile))
        const file = names.join("/")
        expect(isIgnored(below, `images/x/${file}`)).toBe(isIgnored(ignoreFile, file))
        expect(isIgnored(below, `images/xy/${file}`)).toBe(false)
      }),
      runs(2000),
    )
  })
})
