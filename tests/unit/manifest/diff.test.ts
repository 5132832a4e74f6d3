import { describe, expect, test } from "vitest"
import { checkBudget } from "../../../dagger/lib/manifest/budget.js"
import { changedAlone, diffManifests, diffSets, joinedDiff } from "../../../dagger/lib/manifest/diff.js"
import type { EcosystemDiff } from "../../../dagger/lib/manifest/diff.js"
import { changesIn, renderImageDiff, renderSetDiff } from "../../../dagger/lib/manifest/diffMarkdown.js"
import { manifestsByPlatform } from "../../../dagger/lib/manifest/platformManifests.js"
import { digestOf, listsOf, manifestOf, packagesOf, twoPlatforms } from "../../support/manifests.js"
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

  /** Changes of a list of comparisons: `upgraded bash`. */
  const told = (compared: readonly EcosystemDiff[]) =>
    compared.flatMap((each) =>
      each.kind === "compared"
        ? each.changes.map(({ kind, name }) => `${kind} ${name}`)
        : [`${each.ecosystem}: ${each.reason}`],
    )
  const after = (amd: Lists, arm: Lists, changes: Partial<ImageManifest> = {}) =>
    twoPlatforms(amd, arm, {
      digest: digestOf("8"),
      platforms: twoPlatforms(amd, arm).platforms?.map((each, index) => ({
        ...each,
        digest: digestOf(String(index + 3)),
      })),
      ...changes,
    })
  type Lists = Parameters<typeof twoPlatforms>[0]

  test.each<
    readonly [
      string,
      { readonly from: readonly [Lists, Lists]; readonly to: readonly [Lists, Lists] },
      {
        readonly alike: readonly string[]
        readonly amd?: readonly string[]
        readonly arm?: readonly string[]
      },
    ]
  >([
    [
      "alike",
      { from: [{ apt: "bash 1" }, { apt: "bash 1" }], to: [{ apt: "bash 2" }, { apt: "bash 2" }] },
      { alike: ["upgraded bash"] },
    ],
    [
      "on one",
      { from: [{ apt: "bash 1" }, { apt: "bash 1" }], to: [{ apt: "bash 1" }, { apt: "bash 1, only 1" }] },
      { alike: [], arm: ["added only"] },
    ],
    [
      "to other versions",
      { from: [{ apt: "bash 1" }, { apt: "bash 1" }], to: [{ apt: "bash 2" }, { apt: "bash 3" }] },
      { alike: [], amd: ["upgraded bash"], arm: ["upgraded bash"] },
    ],
    [
      "alike and on one",
      {
        from: [{ apt: "bash 1, x 1" }, { apt: "bash 1, x 1" }],
        to: [{ apt: "bash 2" }, { apt: "bash 2, x 1" }],
      },
      { alike: ["upgraded bash"], amd: ["removed x"] },
    ],
    [
      "of a package manager that one of them has",
      {
        from: [{ apt: "bash 1" }, { apt: "bash 1" }],
        to: [{ apt: "bash 2" }, { apt: "bash 2", r: "MASS 1" }],
      },
      { alike: ["upgraded bash"], arm: ["r: before: not collected"] },
    ],
  ])("packages that changed %s", (_, { from, to }, { alike, amd = [], arm = [] }) => {
    const diff = diffManifests(twoPlatforms(...from), after(...to))
    expect(told(diff.ecosystems)).toEqual(alike)
    expect(diff.platforms?.map((part) => told(changedAlone(diff, part)))).toEqual([amd, arm])
    expect(changesIn(diff)).toBe([alike, amd, arm].flat().filter((each) => !each.includes(":")).length)
  })

  test("are told as a person reads them: what is alike once, what is on one with its name", async () => {
    const from = twoPlatforms({ apt: "bash 1, gone 1" }, { apt: "bash 1, gone 1" })
    const to = after({ apt: "bash 2, gone 1" }, { apt: "bash 2, arm-only 1" })
    const text = renderSetDiff(diffSets([from], [to]))
    expect(text.match(/\| bash \|/g)).toHaveLength(1)
    await expect(text).toMatchFileSnapshot("golden/platforms-diff.md")
  })

  test("have all of it by platform in the data", () => {
    const diff = diffManifests(
      twoPlatforms({ apt: "bash 1" }, { apt: "bash 1" }),
      after({ apt: "bash 2" }, { apt: "bash 2, arm-only 1" }),
    )
    expect(diff.platforms).toMatchObject([
      {
        platform: "linux/amd64",
        packages: { kind: "compared", ecosystems: [{ changes: [{ name: "bash" }] }] },
      },
      {
        platform: "linux/arm64",
        packages: {
          kind: "compared",
          ecosystems: [
            { ecosystem: "apt", changes: [{ name: "arm-only", kind: "added" }, { name: "bash" }] },
          ],
        },
      },
    ])
  })

  test("of which nobody has looked into one say so in one line, and not where it is the same image", () => {
    const old = twoPlatforms({ apt: "bash 1" }, {})
    const text = renderImageDiff(diffManifests(old, after({ apt: "bash 2" }, { apt: "bash 2" })))
    expect(text).toContain("The packages are those on `linux/amd64`.")
    expect(text).toContain(
      "The packages on `linux/arm64` are not comparable: no run looked into it (before).",
    )
    expect(renderSetDiff(diffSets([old], [after({ apt: "bash 2" }, {})]))).toContain(
      "| base | 1 upgraded (linux/arm64 not known) |",
    )
    const kept = after({ apt: "bash 2" }, {}, { platforms: old.platforms })
    const same = diffManifests(old, { ...kept, packages: listsOf({ apt: "bash 2" }) })
    expect(same.platforms?.[1]?.packages).toEqual({ kind: "compared", ecosystems: [] })
  })

  test("of which one came or went say so", () => {
    const two = after({ apt: "bash 2" }, { apt: "bash 2" })
    const one = manifestOf("base", "2026.4-main", { packages: listsOf({ apt: "bash 1" }) })
    const came = diffManifests(one, two)
    expect(told(came.ecosystems)).toEqual(["upgraded bash"])
    expect(renderImageDiff(came)).toContain("`linux/arm64` is new: its packages are compared with nothing.")
    expect(renderImageDiff(diffManifests(two, one))).toContain("`linux/arm64` is no longer there.")
  })

  test("that were compared one by one are told as one", () => {
    const from = twoPlatforms({ apt: "bash 1" }, { apt: "bash 1" })
    const to = after({ apt: "bash 2" }, { apt: "bash 2, arm-only 1" })
    const [before, now] = [from, to].map((each) => manifestsByPlatform(each))
    const parts = (before ?? []).flatMap(({ manifest, platform = "" }, index) => {
      const newer = now?.[index]?.manifest
      return newer === undefined ? [] : [{ platform, diff: diffManifests(manifest, newer) }]
    })
    const whole = diffManifests(from, to)
    expect(joinedDiff("base", parts)).toMatchObject({
      ecosystems: whole.ecosystems,
      platforms: whole.platforms,
    })
  })
})
