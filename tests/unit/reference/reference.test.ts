import { describe, expect, it } from "vitest"
import {
  formatReference,
  InvalidReference,
  isTag,
  parseReference,
  parseRepository,
  sameRepository,
  underRegistry,
} from "../../../dagger/lib/reference/reference.js"

const digest = `sha256:${"0123456789abcdef".repeat(4)}`

describe("parseReference", () => {
  it.each([
    ["debian", "docker.io", "library/debian", undefined, undefined],
    ["debian:bookworm-slim", "docker.io", "library/debian", "bookworm-slim", undefined],
    ["jupyter/base", "docker.io", "jupyter/base", undefined, undefined],
    ["docker.io/debian", "docker.io", "library/debian", undefined, undefined],
    ["index.docker.io/jupyter/base", "docker.io", "jupyter/base", undefined, undefined],
    ["ghcr.io/org/image:2026.4-main", "ghcr.io", "org/image", "2026.4-main", undefined],
    ["GHCR.IO/org/image", "ghcr.io", "org/image", undefined, undefined],
    ["localhost/image", "localhost", "image", undefined, undefined],
    ["localhost:5000/image", "localhost:5000", "image", undefined, undefined],
    ["localhost:5000/a/b/c:1", "localhost:5000", "a/b/c", "1", undefined],
    ["10.87.0.1:5000/me/x:y", "10.87.0.1:5000", "me/x", "y", undefined],
    ["[::1]:5000/org/image:1", "[::1]:5000", "org/image", "1", undefined],
    ["[2001:DB8::1]/image", "[2001:db8::1]", "image", undefined, undefined],
    // Docker reads a lone name with a number as a tag, not as a host with a port.
    ["localhost:5000", "docker.io", "library/localhost", "5000", undefined],
    [`ghcr.io/org/image@${digest}`, "ghcr.io", "org/image", undefined, digest],
    [`ghcr.io/org/image:1@${digest}`, "ghcr.io", "org/image", "1", digest],
    [`r.io:65535/a__b/c-d--e/f.g_h:_x@${digest}`, "r.io:65535", "a__b/c-d--e/f.g_h", "_x", digest],
  ])("reads %s", (text, registry, path, tag, read) => {
    expect(parseReference(text)).toEqual({
      registry,
      path,
      ...(tag !== undefined && { tag }),
      ...(read !== undefined && { digest: read }),
    })
    expect(parseReference(formatReference(parseReference(text)))).toEqual(parseReference(text))
  })

  it.each([
    ["", "a repository is"],
    [" debian", "a repository is"],
    ["debian\n", "a repository is"],
    ["debian:a b", "a tag has"],
    ["debian:", "a tag has"],
    ["debian:-x", "a tag has"],
    [`debian:${"x".repeat(129)}`, "at most 128"],
    ["debian:1:2", "a tag has"],
    ["Org/image", "lower-case"],
    ["ghcr.io/Org/image", "lower-case"],
    ["ghcr.io/", "a repository is"],
    ["ghcr.io//x", "a repository is"],
    ["a/b/", "a repository is"],
    ["a___b", "a repository is"],
    ["a..b", "a repository is"],
    ["../x", "not a registry's host"],
    ["a..b/x", "not a registry's host"],
    ["-a.io/x", "not a registry's host"],
    ["ghcr.io:/x", "not a registry's host"],
    ["ghcr.io:70000/x", "a port is between"],
    ["ghcr.io:0/x", "a port is between"],
    ["https://ghcr.io/x", "not a registry's host"],
    ["user@ghcr.io/x", "a digest is"],
    ["debian@sha256:abc", "a digest is"],
    [`debian@sha512:${"a".repeat(128)}`, "a digest is"],
    [`debian@${digest.toUpperCase()}`, "a digest is"],
    [`debian@${digest}@${digest}`, "more than one"],
    ["a/".repeat(130) + "b", "at most 255"],
    ["x; rm -rf /", "a repository is"],
    ["$(id)/x", "a repository is"],
  ])("refuses %j", (text, message) => {
    expect(() => parseReference(text)).toThrow(InvalidReference)
    expect(() => parseReference(text)).toThrow(message)
  })
})

describe("repositories", () => {
  it("refuses a tag or digest where only a repository is accepted", () => {
    expect(parseRepository("ghcr.io/org/image")).toEqual({ registry: "ghcr.io", path: "org/image" })
    expect(() => parseRepository("ghcr.io/org/image:1")).toThrow("has a tag")
    expect(() => parseRepository(`ghcr.io/org/image@${digest}`)).toThrow("has a digest")
  })

  it("are the same whatever their tags and the case of their host", () => {
    expect(sameRepository(parseReference("debian:1"), parseReference("docker.io/library/debian:2"))).toBe(
      true,
    )
    expect(sameRepository(parseReference("GHCR.io/a/b"), parseReference("ghcr.io/a/b"))).toBe(true)
    expect(sameRepository(parseReference("ghcr.io/a/b"), parseReference("ghcr.io/a/c"))).toBe(false)
  })

  it.each([
    ["localhost:5000", "localhost:5000/image"],
    ["localhost:5000/me/", "localhost:5000/me/image"],
    ["Registry.example/a/b", "registry.example/a/b/image"],
    ["docker.io", "docker.io/library/image"],
    ["docker.io/me", "docker.io/me/image"],
  ])("move below %s", (prefix, moved) => {
    expect(formatReference(underRegistry(prefix, parseReference("ghcr.io/org/image")))).toBe(moved)
  })

  it.each(["", "/", "ghcr.io//x", "ghcr.io/Org", "https://ghcr.io/x", "a b", "myhost"])(
    "do not move below %j",
    (prefix) => {
      expect(() => underRegistry(prefix, parseReference("ghcr.io/org/image"))).toThrow(InvalidReference)
    },
  )
})

it.each([
  ["2026.4-main", true],
  ["_", true],
  [".x", false],
  ["a/b", false],
  ["", false],
  ["x\n", false],
  ["'; rm -rf /", false],
])("isTag(%j) is %s", (text, is) => {
  expect(isTag(text)).toBe(is)
})
