import { execFileSync } from "node:child_process"
import fc from "../../support/fastCheck.js"
import { expect, test } from "vitest"
import { listOption, shellCommand } from "../../../dagger/lib/text/shell.js"

const odd = [
  "",
  "a b",
  "a,b",
  'a "b" c',
  '"',
  '""',
  "it's",
  "$(id)",
  "`id`",
  "a\nb",
  "*",
  "~",
  "!x",
  "\\",
  "a=b,c",
]
const words = fc.oneof(fc.constantFrom(...odd), fc.string({ unit: "grapheme-ascii" }))

test("a shell reads the words of a command as they were", () => {
  const lists = [odd, ...fc.sample(fc.array(words, { minLength: 1 }), 20)]
  for (const list of lists) {
    const printed = execFileSync("bash", ["-c", `printf '%s\\0' ${shellCommand(list)}`], { encoding: "utf8" })
    expect(printed.split("\0").slice(0, -1)).toEqual(list)
  }
})

/** What a reader of CSV (RFC 4180) makes of each text, as JSON: a list of fields. */
const csvReader =
  "import csv, json, sys\n" +
  "print(json.dumps([next(csv.reader([text], strict=True), []) for text in json.load(sys.stdin)]))"

test("a value of a list is read as one value, whatever is in it", () => {
  const values = [...odd, ...fc.sample(words, 100)]
    .filter((value) => value !== "")
    .map((value) => `b.X=${value}`)
  const written = values.map((value) => listOption("set", value).slice("--set=".length))
  const input = JSON.stringify(written)
  const read = execFileSync("python3", ["-c", csvReader], { encoding: "utf8", input })
  expect(JSON.parse(read)).toEqual(values.map((value) => [value]))
})

test("what needs no quotes has none", () => {
  expect(listOption("set", "base.X=a b")).toBe("--set=base.X=a b")
  expect(listOption("set", "base.EXTRAS=dev,test")).toBe('--set="base.EXTRAS=dev,test"')
  expect(shellCommand(["./stack", listOption("set", "base.EXTRAS=dev,test")])).toBe(
    `./stack '--set="base.EXTRAS=dev,test"'`,
  )
})
