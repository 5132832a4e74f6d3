import { describe, expect, test } from "vitest"
import { checkBudget } from "../../../dagger/lib/manifest/budget.js"
import { diffManifests, diffSets } from "../../../dagger/lib/manifest/diff.js"
import { renderImageDiff, renderSetDiff } from "../../../dagger/lib/manifest/diffMarkdown.js"
import { digestOf, manifestOf, packagesOf } from "../../support/manifests.js"
import type { Ecosystem, ImageManifest } from "../../../dagger/lib/manifest/manifestData.js"

/** A manifest with these packages: `withPackages({ pip: "numpy 1.0" })`. */
function withPackages(
  lists: Partial<Record<Ecosystem, string>>,
  changes: Partial<ImageManifest> = {},
): ImageManifest {
  const packages = Object.fromEntries(
    Object.entries(lists).map(([ecosystem, text]) => [
      ecosystem,
      { kind: "listed", packages: packagesOf(text) },
    ]),
  )
  return manifestOf("base", "2026.4-main", { packages, ...changes })
}

function changesOf(ecosystem: Ecosystem, from: string, to: string): readonly string[] {
  const { ecosystems } = diffManifests(withPackages({ [ecosystem]: from }), withPackages({ [ecosystem]: to }))
  return ecosystems.flatMap((each) =>
    each.kind === "compared" ? each.changes.map(({ kind, name }) => `${kind} ${name}`) : [],
  )
}

test.each<readonly [string, Ecosystem, string, string, readonly string[]]>([
  ["nothing", "pip", "a 1", "a 1", []],
  ["added and removed", "pip", "a 1, b 1", "b 1, c 1", ["removed a", "added c"]],
  ["upgraded and downgraded", "pip", "a 1.9, b 2.0", "a 1.10, b 2.0rc1", ["upgraded a", "downgraded b"]],
  ["no order", "pip", "a one", "a two", ["changed a"]],
  ["equal by the rules", "pip", "a 1.0", "a 1.0.0", ["changed a"]],
  ["the author's spelling of a name", "pip", "Foo_Bar 1", "foo-bar 1", []],
  ["a Debian security update", "apt", "libc6 2.36-9+deb12u9", "libc6 2.36-9+deb12u10", ["upgraded libc6"]],
  ["a tilde", "apt", "a 1.0~rc1", "a 1.0", ["upgraded a"]],
  ["R's hyphens", "r", "MASS 7.3-60", "MASS 7.3-9", ["downgraded MASS"]],
  ["conda", "conda", "openssl 1.1.1k", "openssl 3.0.0", ["upgraded openssl"]],
])("%s", (_name, ecosystem, from, to, changes) => {
  expect(changesOf(ecosystem, from, to)).toEqual(changes)
})

test("a change that conda has too is told once", () => {
  const { ecosystems } = diffManifests(
    withPackages({ pip: "numpy 1.0, flask 1.0", conda: "numpy 1.0" }),
    withPackages({ pip: "numpy 2.0, flask 2.0", conda: "numpy 2.0" }),
  )
  expect(ecosystems).toMatchObject([
    { ecosystem: "pip", changes: [{ name: "flask" }] },
    { ecosystem: "conda", changes: [{ name: "numpy" }] },
  ])
})

test("a list that is not known is not an empty one", () => {
  const failed = manifestOf("base", "t", { packages: { pip: { kind: "failed", reason: "exit status 1" } } })
  const diff = diffManifests(withPackages({ pip: "a 1" }), failed)
  expect(diff.ecosystems).toEqual([{ kind: "unknown", ecosystem: "pip", reason: "after: exit status 1" }])
})

test("a package manager that came or went counts as its packages", () => {
  const absent = manifestOf("base", "t", { packages: { r: { kind: "absent" }, conda: { kind: "absent" } } })
  const withR = manifestOf("base", "t", {
    packages: { r: { kind: "listed", packages: packagesOf("MASS 7.3") }, conda: { kind: "absent" } },
  })
  expect(diffManifests(absent, withR).ecosystems).toEqual([
    { kind: "compared", ecosystem: "r", changes: [{ kind: "added", name: "MASS", to: "7.3" }], unchanged: 0 },
  ])
})

test("a set of images, as a pull request shows it", async () => {
  const many = Array.from({ length: 20 }, (_, index) => `p${index + 10}`)
  const from = [
    withPackages(
      { pip: many.map((name) => `${name} 1.0`).join(", "), apt: "bash 5.1, gone|pipe 1.0" },
      { digest: digestOf("1") },
    ),
    manifestOf("old"),
  ]
  const to = [
    withPackages(
      { pip: many.map((name) => `${name} 1.1`).join(", "), apt: "bash 5.2" },
      { digest: digestOf("2"), size: { unpacked: 84_800_000 } },
    ),
    manifestOf("new"),
  ]
  await expect(renderSetDiff(diffSets(from, to))).toMatchFileSnapshot("golden/set-diff.md")
})

test("the same digest is told as such", () => {
  expect(renderImageDiff(diffManifests(manifestOf(), manifestOf()))).toBe("The same image: `aaaaaaaaaaaa`.")
})

test.each([
  [899, "within"],
  [900, "near"],
  [1000, "near"],
  [1001, "over"],
])("%d bytes of 1000 are %s the budget", (size, kind) => {
  expect(checkBudget(size, 1000)).toEqual({ kind, size, budget: 1000 })
})

describe("images of several platforms", () => {
  const of = (amd: number, arm?: number) =>
    manifestOf("base", "2026.4-main", {
      digest: digestOf(String(amd)[0] ?? "1"),
      size: { unpacked: amd, compressed: 1 },
      ...(arm !== undefined && {
        platforms: [
          { platform: "linux/amd64", size: { unpacked: amd, compressed: 1 } },
          { platform: "linux/arm64", size: { unpacked: arm } },
        ],
      }),
    })

  test("are compared in the size of each", () => {
    const text = renderImageDiff(diffManifests(of(1000, 3000), of(2000, 5000)))
    expect(text).toContain("| `linux/amd64` | 1.00 kB → 2.00 kB (+1.00 kB) | 1 B (same) |")
    expect(text).toContain("| `linux/arm64` | 3.00 kB → 5.00 kB (+2.00 kB) | not known |")
    expect(text).toContain("The packages are those on `linux/amd64`.")
  })

  test("tell of a platform that came, and nothing where there is one", () => {
    const text = renderImageDiff(diffManifests(of(1000), of(2000, 5000)))
    expect(text).toContain("| `linux/arm64` | not known → 5.00 kB | not known |")
    expect(diffManifests(of(1000), of(2000))).not.toHaveProperty("platforms")
    expect(renderImageDiff(diffManifests(of(1000), of(2000)))).not.toContain("Platform")
  })
})
