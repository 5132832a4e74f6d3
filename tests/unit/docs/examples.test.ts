import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { parse } from "yaml"
import { loadSpec } from "../../../dagger/lib/spec/loadSpec.js"
import { exampleNames } from "../../support/exampleStacks.js"
import { moduleFunctions } from "../../support/moduleFunctions.js"
import { allPages, callsOf } from "../../support/pages.js"
import { sourceOf } from "../../support/source.js"
import { completed, everyKey, keysIn, specBlocks } from "../../support/specBlocks.js"
import { checkout } from "../../support/stack.js"

// What is held against the book: no key, function or option without an example, and no example that nothing runs.

const blocks = allPages().flatMap(specBlocks)

describe("examples of spec.yml", () => {
  it.each(blocks.map((block) => [block.place, block.spec] as const))("%s is taken", (_, spec) => {
    expect(loadSpec(sourceOf(completed(spec))).images.size).toBeGreaterThan(0)
  })

  it("have every key", () => {
    const specs = ["spec.yml", ...exampleNames().map((name) => `docs/examples/${name}/spec.yml`)]
    const texts = specs.map((path) => readFileSync(join(checkout, path), "utf8"))
    const whole = texts.map((text): unknown => parse(text, { merge: true }))
    const shown = new Set([...whole, ...blocks.map(({ spec }) => spec)].flatMap((spec) => keysIn(spec)))
    expect(everyKey().length).toBeGreaterThan(50)
    expect(everyKey().filter((key) => !shown.has(key))).toEqual([])
  })
})

describe("calls", () => {
  const functions = moduleFunctions()
  const names = [...new Set([...functions.values()].flatMap(({ options }) => [...options]))]
  const calls = allPages().flatMap(callsOf)
  /** `./stack` gives it by itself, and nobody else does. */
  const internal = "screen"

  it("of every function are in the book", () => {
    const called = new Set(calls.map(({ name }) => name))
    expect([...functions.keys()].filter((name) => !called.has(name))).toEqual([])
  })

  it("with every option are in the book", () => {
    const given = new Set(calls.flatMap(({ name, options }) => (functions.has(name) ? options : [])))
    expect(names.filter((name) => name !== internal && !given.has(name))).toEqual([])
  })

  it("of every function and with every option are made by tests on an engine", () => {
    const texts = made()
    const isMade = (word: RegExp) => texts.some((text) => word.test(text))
    expect(
      [...functions.keys()].filter((name) => !isMade(new RegExp(`(?<![\\w-])${name}(?![\\w-])`))),
    ).toEqual([])
    expect(names.filter((name) => !isMade(new RegExp(`--${name}(?![\\w-])`)))).toEqual([])
  })
})

/** What makes calls in tests with an engine: the tests, the workflows that they run, and `./stack`. */
function made(): readonly string[] {
  return ["tests/e2e", "tests/support", ".github/workflows", "lib"].flatMap((folder) =>
    readdirSync(join(checkout, folder), { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile() && /\.(?:ts|yml|sh)$/.test(entry.name))
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8")),
  )
}
