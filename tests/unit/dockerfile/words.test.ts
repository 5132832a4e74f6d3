import { describe, expect, it } from "vitest"
import fc from "../../support/fastCheck.js"
import {
  escapeWord,
  expandWord,
  quoteWord,
  splitWords,
  UnknownVariable,
} from "../../../dagger/lib/dockerfile/words.js"

const variables: Readonly<Record<string, string>> = {
  a: "one",
  b: "two words",
  empty: "",
  path: "x/y/z.tar.gz",
}

function expand(word: string): string {
  const expansion = expandWord(word, (name) => {
    if (name === "secret") throw new UnknownVariable(name)
    return variables[name]
  })
  if (expansion.kind === "text") return expansion.text
  return expansion.kind === "unknown" ? `unknown ${expansion.variable}` : `invalid: ${expansion.message}`
}

describe("expandWord", () => {
  it.each([
    ["plain", "plain"],
    ["$a", "one"],
    ["${a}", "one"],
    ["$a.$b", "one.two words"],
    ["$unset-x", "-x"],
    ["${unset}", ""],
    ["${unset:-x}", "x"],
    ["${empty:-x}", "x"],
    ["${empty-x}", ""],
    ["${unset-x}", "x"],
    ["${a:-x}", "one"],
    ["${unset:-${a}}", "one"],
    ["${a:+x}", "x"],
    ["${empty:+x}", ""],
    ["${empty+x}", "x"],
    ["${unset+x}", ""],
    ["${a:?must}", "one"],
    ["${unset:?must}", "invalid: unset: must"],
    ["${unset?}", "invalid: unset: must be set"],
    ["${path#*/}", "y/z.tar.gz"],
    ["${path##*/}", "z.tar.gz"],
    ["${path%.*}", "x/y/z.tar"],
    ["${path%%.*}", "x/y/z"],
    ["${path/x/w}", "w/y/z.tar.gz"],
    ["${path//\\//-}", "x-y-z.tar.gz"],
    ["${path/missing/w}", "x/y/z.tar.gz"],
    ["${path##*/*/}", "z.tar.gz"],
    ["${path%/*.*}", "x/y"],
    ["${path//?/o}", "oooooooooooo"],
    ["${path//y*/}", "x/"],
    ["'$a'", "$a"],
    ['"$a"', "one"],
    ["\\$a", "$a"],
    ['"\\$a"', "$a"],
    ['"a\\b"', "a\\b"],
    ["a\\b", "ab"],
    ["it''s", "its"],
    ["$", "$"],
    ["$$", ""],
    ["100%", "100%"],
    ["$(id)", "$(id)"],
    ["$secret", "unknown secret"],
    ["${secret:-x}", "unknown secret"],
    ["'open", "invalid: a single quote is not closed"],
    ['"open', "invalid: a double quote is not closed"],
    ["${a", 'invalid: unsupported modifier "" in the substitution of a'],
    ["${a:-x", 'invalid: the closing "}" of a substitution is missing'],
    ["${}", 'invalid: bad substitution "${}"'],
    ["${a~x}", 'invalid: unsupported modifier "~" in the substitution of a'],
  ])("%s is %s", (word, expected) => {
    expect(expand(word)).toBe(expected)
  })

  it("does not follow substitutions without end", () => {
    expect(expand(`${"${unset:-".repeat(5000)}x${"}".repeat(5000)}`)).toBe(
      "invalid: substitutions are nested too deeply",
    )
  })

  it("gives back what was quoted or escaped", () => {
    const text = fc.string({ unit: "grapheme" }).filter((value) => !/[\r\n]/.test(value))
    fc.assert(
      fc.property(text, (value) => {
        expect(expand(quoteWord(value))).toBe(value)
        expect(expand(escapeWord(value))).toBe(value)
      }),
    )
  })
})

describe("splitWords", () => {
  it.each([
    ["a b", ["a", "b"]],
    ["a 'b c' d", ["a", "'b c'", "d"]],
    ['x"a b"y', ['x"a b"y']],
    ["a\\ b c", ["a\\ b", "c"]],
    ["$x ${y:-z}", ["$x", "${y:-z}"]],
    ["an 'open quote", []],
  ])("splits %s, keeping quotes", (line, words) => {
    expect(splitWords(line, { raw: true })).toEqual(words)
  })

  it("drops quotes where they are not kept", () => {
    expect(splitWords("'E O F'", { raw: false })).toEqual(["E O F"])
  })
})
