import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { stepsAtOnce } from "../../../dagger/lib/gather/request.js"
import { checkout } from "../../support/stack.js"

const entry = join(checkout, "dagger/src")
const files = readdirSync(entry, { recursive: true, encoding: "utf8" })
const texts = new Map(files.map((name) => [name, readFileSync(join(entry, name), "utf8")]))
const index = texts.get("index.ts") ?? ""

const importsOf = (text: string) =>
  [...text.matchAll(/^(?:import|export) [^"]*from "(.+)"$/gm)].map(([, name]) => name)

it("the SDK's folder has the entry and its results, and reaches the rest by a name that the SDK does not follow", () => {
  expect(files.sort()).toEqual(["actionResult.ts", "index.ts", "stackPlan.ts", "stackRun.ts"])
  for (const [name, text] of texts) {
    const reached = importsOf(text).filter((each) => each?.startsWith("#lib/") !== true)
    const own = files.map((file) => `./${file.replace(/ts$/, "js")}`)
    expect(own.concat("@dagger.io/dagger"), name).toEqual(expect.arrayContaining(reached))
  }
})

it("a function's work is loaded when it is called", () => {
  const calls = importsOf(index).filter((name) => name?.startsWith("#lib/calls/"))
  expect(calls).toEqual(["#lib/calls/screenFiles.js"])
  expect(index.match(/await import\("#lib\/calls\//g)?.length).toBeGreaterThan(15)
})

it("a default value stands there as the SDK can read it", () => {
  expect(index.match(/ parallel = .*/g)).toEqual([` parallel = ${stepsAtOnce},`])
})
