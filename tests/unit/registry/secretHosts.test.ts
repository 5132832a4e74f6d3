import { describe, expect, it } from "vitest"
import type { LoginOptions } from "../../../dagger/lib/gather/secretHosts.js"
import { loginForImage, loginOf, requireNamed } from "../../../dagger/lib/gather/secretHosts.js"

// Only whether there is one is looked at.
const secret = JSON.parse("{}") as NonNullable<LoginOptions["registryPassword"]>
const login = { registryUsername: "me", registryPassword: secret }

describe("a registry's login", () => {
  it.each([
    ["ghcr.io/org", "ghcr.io"],
    ["GHCR.io/org/", "ghcr.io"],
    ["localhost:5000", "localhost:5000"],
    ["index.docker.io/org", "docker.io"],
    ["[::1]:5000/a/b", "[::1]:5000"],
  ])("goes to the host that --registry=%s names: %s", (registry, host) => {
    expect(loginOf({ ...login, registry })).toEqual({ username: "me", password: secret, registry: host })
  })

  it.each([
    ["ghcr.io/org/image:2026.4-main", "ghcr.io"],
    ["library/debian", "docker.io"],
  ])("goes to the host that --ref=%s names: %s", (ref, host) => {
    expect(loginForImage(login, ref)?.registry).toBe(host)
  })

  it("is none where none is given", () => {
    expect(loginOf({ registry: "ghcr.io/org" })).toBeUndefined()
    expect(loginForImage({}, undefined)).toBeUndefined()
  })

  const nowhere = "--registry-password: a secret goes only where the call says, whatever a source names"
  it.each<[string, () => unknown, string]>([
    ["no registry", () => loginOf(login), `${nowhere} (add --registry=...)`],
    ["an empty registry", () => loginOf({ ...login, registry: "" }), `${nowhere} (add --registry=...)`],
    ["no image", () => loginForImage(login, undefined), `${nowhere} (add --ref=...)`],
    ["no host", () => loginOf({ ...login, registry: "org" }), '--registry: "org": every reader of "org/..."'],
    [
      "a port that is none",
      () => loginOf({ ...login, registry: "a.b:0/x" }),
      "a port is between 1 and 65535",
    ],
    ["a URL", () => loginOf({ ...login, registry: "https://ghcr.io/org" }), "--registry: "],
    ["an image that is none", () => loginForImage(login, "ghcr.io/A"), '--ref: "ghcr.io/A": a repository is'],
    [
      "no user",
      () => loginOf({ registryPassword: secret, registry: "a.b" }),
      "--registry-username: a login has",
    ],
    ["an empty user", () => loginOf({ ...login, registryUsername: "" }), "--registry-username: a login has"],
    ["no password", () => loginOf({ registryUsername: "me" }), "--registry-password: a login has"],
  ])("is refused with %s", (_, read, message) => {
    expect(read).toThrow(message)
  })
})

it("a secret without the options that say where it goes is refused, each by its name", () => {
  const host = { "--gpu-host": undefined, "--gpu-host-key": "" }
  const both = () => {
    requireNamed([
      { option: "--gpu-password", secret, namedBy: host },
      { option: "--wiki-token", secret, namedBy: { "--wiki": "https://x.example/x.git" } },
      { option: "--gpu-private-key", secret: undefined, namedBy: host },
    ])
  }
  expect(both).toThrow(
    "--gpu-password: a secret goes only where the call says, whatever a source names (add --gpu-host=... and --gpu-host-key=...)",
  )
  expect(both).not.toThrow(/wiki|private/)
})
