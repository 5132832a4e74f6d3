import { describe, expect, it } from "vitest"
import { loadSpec } from "../../../dagger/lib/spec/loadSpec.js"
import { sourceOf, stackFiles } from "../../support/source.js"
import { newKey } from "../../support/evidenceWorld.js"

const { publicKey, privateKey } = newKey()
const workflow = { repository: "org/stack", workflow: ".github/workflows/main.yml", ref: "refs/heads/main" }
const root = { "images/trusted_root.json": "{}" }

function load(trust: unknown, files = {}) {
  return loadSpec(sourceOf({ ...stackFiles({ base: {} }, { spec: { trust } }), ...files }))
}

describe("trust", () => {
  it("of a key and of a workflow is what is written, with what was left out", () => {
    const trust = { signers: [{ key: publicKey }, workflow], trusted_root: "images/trusted_root.json" }
    expect(load(trust, root).trust).toMatchObject({
      gpuMaxAgeSeconds: 30 * 24 * 3600,
      trustedRoot: "{}",
      signers: [
        { kind: "key", publicKey, says: ["provenance", "tests", "gpu", "vulnerabilities"], tags: ["*"] },
        {
          kind: "workflow",
          issuer: "https://token.actions.githubusercontent.com",
          repository: "https://github.com/org/stack",
        },
      ],
    })
  })

  it("asks for scans for vulnerabilities where it says how old they may be", () => {
    const signers = [{ key: publicKey }]
    expect(load({ signers, vulnerabilities_max_age: "7 h" }).trust?.vulnerabilitiesMaxAgeSeconds).toBe(
      7 * 3600,
    )
    expect(load({ signers }).trust).not.toHaveProperty("vulnerabilitiesMaxAgeSeconds")
  })

  it("is for a stack of several platforms, too", () => {
    const spec = { trust: { signers: [{ key: publicKey }] }, platforms: ["linux/amd64", "linux/arm64"] }
    expect(loadSpec(sourceOf(stackFiles({ base: {} }, { spec }))).platforms).toHaveLength(2)
  })

  it("in nobody is there where nothing is said of it", () => {
    expect(load(undefined).trust).toBeUndefined()
  })

  it("says what to take of a file with several roots, as gh writes one", () => {
    const trust = { signers: [workflow], trusted_root: "images/roots.jsonl" }
    expect(() => load(trust, { "images/roots.jsonl": "{}\n{}\n" })).toThrow(
      /"images\/roots\.jsonl" is not JSON.*of a trusted_root\.jsonl one line/s,
    )
    const [first = ""] = "{}\n{}\n".split(/(?<=\n)/)
    expect(load(trust, { "images/roots.jsonl": first }).trust?.trustedRoot).toBe("{}\n")
  })

  it.each([
    ["no signers", { signers: [] }, "at least one signer"],
    ["a workflow without its ref", { signers: [{ ...workflow, ref: undefined }] }, "ref is missing"],
    ["a workflow without a root", { signers: [workflow] }, "trusted_root"],
    [
      "a root that is not there",
      { signers: [workflow], trusted_root: "images/none.json" },
      'no file "images/none.json"',
    ],
    [
      "a root that is no JSON",
      { signers: [workflow], trusted_root: "images/base/Dockerfile" },
      "is not JSON",
    ],
    ["a key and a workflow", { signers: [{ ...workflow, key: publicKey }] }, "not both"],
    ["a private key", { signers: [{ key: privateKey }] }, "must be a public key"],
    ["another text", { signers: [{ key: "secret" }] }, "must be a public key"],
    [
      "an unknown kind",
      { signers: [{ key: publicKey, says: ["all"] }] },
      "provenance, tests, gpu, vulnerabilities",
    ],
    ["an unknown word", { signers: [{ key: publicKey, refs: "x" }] }, 'unknown key "refs"'],
    [
      "an age of scans that is none",
      { signers: [{ key: publicKey }], vulnerabilities_max_age: "new" },
      "a time such as",
    ],
    ["an age that is none", { signers: [{ key: publicKey }], gpu_max_age: "soon" }, "a time such as"],
  ])("with %s is refused at its line", (_, trust, message) => {
    expect(() => load(trust)).toThrow(message)
    expect(() => load(trust)).toThrow(/spec\.yml:\d+:\d+/)
  })
})
