import type { Problem } from "../../dagger/lib/problems.js"
import { execFileSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it, test } from "vitest"
import { parseDockerfile } from "../../dagger/lib/dockerfile/dockerfile.js"
import { parseInstruction } from "../../dagger/lib/dockerfile/instruction.js"
import { readDockerfileLines } from "../../dagger/lib/dockerfile/lines.js"
import { expandWord } from "../../dagger/lib/dockerfile/words.js"
import { BuilderReader } from "../support/builderReader.js"

/** A release of BuildKit, whose tests these are, from about the time of the engine's code; Go gets it from its cache or proxy. */
const buildkit = "github.com/moby/buildkit@v0.25.0"

// The tables are read where Go has them, and are no part of this repository.
const folder = join(moduleFolder(), "frontend/dockerfile")
const read = (path: string) => readFileSync(join(folder, path), "utf8")

let reader: BuilderReader
beforeAll(() => {
  reader = BuilderReader.build()
})
afterAll(() => {
  reader.end()
})

function moduleFolder(): string {
  const told = execFileSync("go", ["mod", "download", "-json", buildkit], { encoding: "utf8" })
  return (JSON.parse(told) as { Dir: string }).Dir
}

function expanded(word: string, variables: Readonly<Record<string, string>>): string {
  const expansion = expandWord(word, (name) => variables[name])
  return expansion.kind === "text" ? expansion.text : "error"
}

it("expands the words of envVarTest", () => {
  const variables = { PWD: "/home", SHELL: "bash", KOREAN: "한국어", NULL: "" }
  const rows = read("shell/envVarTest")
    .split("\n")
    // "W" is for Windows.
    .filter((line) => /^[AU]\|/.test(line))
    .map((line) => line.slice(2).split("|"))
    .map(([word = "", result = ""]) => ({ word: word.trim(), result: result.trim() }))
  expect(rows).toHaveLength(228)
  expect(rows.map(({ word }) => ({ word, result: expanded(word, variables) }))).toEqual(rows)
})

it("expands the words of TestProcessWithMatches", () => {
  const [, table = ""] = read("shell/lex_test.go").split("func TestProcessWithMatches(")
  const [cases = ""] = table.split("\n\t}\n\n")
  const rows = cases
    .split(/^\t\t\{$/m)
    .slice(1)
    .map(goCase)
  expect(rows.length).toBeGreaterThanOrEqual(47)
  const results = rows.map(({ word, variables }) => ({ word, variables, result: expanded(word, variables) }))
  expect(results).toEqual(rows)
})

/** A case of a Go table: `input`, `envs`, and `expected` or `expectedErr`. */
function goCase(text: string): { word: string; variables: Record<string, string>; result: string } {
  const literal = /("(?:[^"\\]|\\.)*"|`[^`]*`)/.source
  const field = (name: string) => goText(new RegExp(`${name}: +${literal}`).exec(text)?.[1] ?? '""')
  const [, envs = ""] = /envs: +map\[string\]string\{([^]*?)\},\n/.exec(text) ?? []
  const pairs = [...envs.matchAll(new RegExp(`${literal}: +${literal}`, "g"))]
  const variables = Object.fromEntries(
    pairs.map(([, name = '""', value = '""']) => [goText(name), goText(value)]),
  )
  const isError = /expectedErr: +true/.test(text)
  return { word: field("input"), variables, result: isError ? "error" : field("expected") }
}

function goText(literal: string): string {
  return literal.startsWith("`") ? literal.slice(1, -1) : (JSON.parse(literal) as string)
}

const files = readdirSync(join(folder, "parser/testfiles"))

test("there are 33 Dockerfiles", () => {
  expect(files).toHaveLength(33)
})

test.each(files)("reads %s", async (name) => {
  const text = read(`parser/testfiles/${name}/Dockerfile`)
  const theirs = await reader.ask({ Kind: "parse", Text: text })
  const problems: Problem[] = []
  const { lines } = readDockerfileLines("Dockerfile", text, problems)
  expect(theirs.Error).toBe("")
  expect(problems).toEqual([])
  const ours = lines.map((line) => {
    const { keyword, flags } = parseInstruction(line)
    const written = flags.map((flag) => `--${flag.name}${flag.value === undefined ? "" : `=${flag.value}`}`)
    return { keyword: keyword.toLowerCase(), text: line.text, flags: written }
  })
  const expected = theirs.Lines?.map(({ Keyword, Text, Flags }) => ({
    keyword: Keyword.toLowerCase(),
    text: Text,
    flags: Flags ?? [],
  }))
  expect(ours).toEqual(expected)
})

test.each(readdirSync(join(folder, "parser/testfiles-negative")))("refuses %s", (name) => {
  const problems: Problem[] = []
  parseDockerfile("Dockerfile", read(`parser/testfiles-negative/${name}/Dockerfile`), problems)
  expect(problems).not.toEqual([])
})

test("refuses ENV PATH without a value", () => {
  const problems: Problem[] = []
  parseDockerfile("Dockerfile", "FROM scratch\nENV PATH\n", problems)
  expect(problems.map(({ location }) => location.line)).toEqual([2])
})
