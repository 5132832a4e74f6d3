import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { checkout } from "../../support/stack.js"

const source = join(checkout, "dagger/lib")
const files = readdirSync(source, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .map((path) => ({ path, text: readFileSync(join(source, path), "utf8") }))

const naming = (pattern: RegExp) => files.filter(({ text }) => pattern.test(text)).map(({ path }) => path)

it("what signs and verifies is loaded by who needs it, and not at the module's start", () => {
  const loaders = ["attestation/sigstoreSign.ts", "attestation/sigstoreVerify.ts"]
  // Types are gone when it runs.
  expect(naming(/^(?:import (?!type)|export ).*from "@sigstore/m).sort()).toEqual(loaders)
  expect(naming(/import\("@sigstore/)).toEqual([])
  expect(naming(/^(?:import|export) .*from ".*sigstore(?:Sign|Verify)\.js"/m)).toEqual([])
  expect(naming(/import\("\.\/sigstore(?:Sign|Verify)\.js"\)/).length).toBeGreaterThan(0)
})
