import { describe, expect, it } from "vitest"
import { isTrusted } from "../../../dagger/lib/attestation/trust.js"
import type { ProvedSigner } from "../../../dagger/lib/attestation/trust.js"
import type { WorkflowSigner } from "../../../dagger/lib/spec/trust.js"

const issuer = "https://token.actions.githubusercontent.com"
const repository = "https://github.com/org/stack"
const trusted: WorkflowSigner = {
  kind: "workflow",
  issuer,
  repository,
  workflow: ".github/workflows/main.yml",
  ref: "refs/heads/main",
  says: ["provenance", "tests"],
  tags: ["*-main", "stable"],
}
const name = `${repository}/.github/workflows/main.yml@refs/heads/main`
const main: ProvedSigner = { kind: "certificate", name, issuer, repository }

const believed = (
  signer: Partial<Extract<ProvedSigner, { kind: "certificate" }>>,
  of: Partial<WorkflowSigner> = {},
  tag = "2026.4-main",
) => isTrusted([{ ...trusted, ...of }], { ...main, ...signer }, "provenance", tag)

describe("a workflow", () => {
  it("is trusted by its whole identity", () => {
    expect(believed({})).toBe(true)
  })

  it.each([
    ["a ref that begins with the trusted one", { name: `${name}-evil` }],
    ["a repository that ends with the trusted one", { name: `https://github.com/evil/${name}` }],
    ["a host that begins with the trusted one", { name: name.replace("github.com", "github.com.evil.org") }],
    [
      "a repository of which the trusted one is a part",
      { name: name.replace("org/stack", "org/stack-evil") },
    ],
    ["a character for a dot", { name: name.replace("main.yml", "mainxyml") }],
    ["another workflow", { name: name.replace("main.yml", "other.yml") }],
    ["a pull request", { name: name.replace("heads/main", "pull/7/merge") }],
    ["another issuer", { issuer: `${issuer}.evil.org` }],
    ["an issuer of which the trusted one is a part", { issuer: `https://evil.org/?${issuer}` }],
    [
      "a run of another repository that calls the trusted workflow",
      { repository: "https://github.com/evil/fork" },
    ],
    ["a certificate that names no repository", { repository: undefined }],
    ["no name", { name: "" }],
  ])("is not trusted for %s", (_, signer) => {
    expect(believed(signer)).toBe(false)
  })

  it("is trusted for its kinds of statements and its tags only", () => {
    expect(isTrusted([trusted], main, "gpu", "2026.4-main")).toBe(false)
    expect(believed({}, {}, "2026.4-main-evil")).toBe(false)
    expect(believed({}, {}, "unstable")).toBe(false)
    expect(believed({}, {}, "stable")).toBe(true)
  })

  it("of any branch is one with a star, which is the only sign with a meaning", () => {
    const branch = { name: name.replace("heads/main", "heads/feature/x") }
    expect(believed(branch, { ref: "refs/heads/*" })).toBe(true)
    expect(believed({ name: name.replace("heads/main", "tags/v1") }, { ref: "refs/heads/*" })).toBe(false)
    expect(believed(branch, { ref: "refs/heads/.+" })).toBe(false)
  })

  it("is no key, and a key is no workflow", () => {
    expect(isTrusted([trusted], { kind: "key", hint: name }, "provenance", "stable")).toBe(false)
  })
})
