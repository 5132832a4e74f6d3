import { expect, it } from "vitest"
import { gpuOptions } from "../../../dagger/lib/calls/gpuTest.js"
import { secretText } from "../../../dagger/lib/engine/secretText.js"

/** As `file://`, `cmd://` and `env://` of the CLI hand a secret over: with whatever stands there. */
const secretOf = (text: string) => ({ plaintext: () => Promise.resolve(text) })

it.each([
  ["swordfish", "swordfish"],
  ["swordfish\n", "swordfish"],
  ["swordfish\r\n", "swordfish"],
  ["swordfish\n\n", "swordfish\n"],
  [" sword fish ", " sword fish "],
  ["swordfish\r", "swordfish\r"],
  ["two\nlines\n", "two\nlines"],
  ["\n", ""],
  ["", ""],
])("a secret given as %j is %j", async (given, read) => {
  expect(await secretText(secretOf(given))).toBe(read)
})

it("the login host gets password and key without the line break of their files", async () => {
  const gpu = { host: "h", port: 22, user: "u", launch: "l", tests: "/t", timeoutSeconds: 1 }
  const login = { gpuPassword: secretOf("swordfish\n"), gpuPrivateKey: secretOf("key\r\n") }
  type Arguments = Parameters<typeof gpuOptions>
  const [spec, secrets] = [{ gpu }, login] as unknown as [Arguments[0], Arguments[1]]
  const image = { repository: { registry: "r.example", path: "a" }, tag: "1" }
  const { credentials } = await gpuOptions(spec, secrets, image, undefined)
  expect(credentials).toEqual({ password: "swordfish", privateKey: "key" })
})
