import { execFileSync } from "node:child_process"
import { describe, expect, test } from "vitest"
import { compareVersions } from "../../../dagger/lib/manifest/compareVersions.js"
import type { Ecosystem } from "../../../dagger/lib/manifest/manifestData.js"

/** Versions from the oldest to the newest; those between the same commas are equal. */
const ascending: Readonly<Record<Ecosystem, readonly (readonly string[])[]>> = {
  apt: [
    ["1.0~~", "0:1.0~~"],
    ["1.0~~a"],
    ["1.0~"],
    ["1.0", "1.0-0", "0:01.0"],
    ["1.0-0.1"],
    ["1.0-1~bpo12+1"],
    ["1.0-1"],
    ["1.0-1+deb12u1"],
    ["1.0-2"],
    ["1.0-10"],
    ["1.0a-1"],
    ["1.0+dfsg-1"],
    ["1.0.1"],
    ["1.9"],
    ["1.10"],
    ["2021a-1"],
    ["1:0.1"],
  ],
  npm: [["0.9.10"], ["1.0.0"], ["1.2.9"], ["1.2.10"], ["1.10.0"]],
  // The order of PEP 440's own examples, and forms it normalizes.
  pip: [
    ["1.0.dev1", "1.0dev1"],
    ["1.0a1.dev1"],
    ["1.0a1", "1.0-alpha.1"],
    ["1.0a2"],
    ["1.0b1"],
    ["1.0rc1", "1.0c1", "1.0-preview1"],
    ["1.0", "1", "v1.0.0"],
    ["1.0+abc.5"],
    ["1.0+abc.7"],
    ["1.0+5"],
    ["1.0.post1.dev2"],
    ["1.0.post1", "1.0-1", "1.0.rev1"],
    ["1.0.15"],
    ["1.1.dev1"],
    ["1.10"],
    ["2024.1"],
    ["1!0.1"],
  ],
  r: [["0.9"], ["1.0"], ["1.0.0"], ["1.0-1", "1.0.1"], ["1.0-10"], ["1.4.5"], ["7.3-60"]],
  // The order that conda's VersionOrder documents.
  conda: [
    ["0.4", "0.4.0"],
    ["0.4.1.rc", "0.4.1.RC"],
    ["0.4.1"],
    ["0.5a1"],
    ["0.5b3"],
    ["0.5C1"],
    ["0.5"],
    ["0.9.6"],
    ["0.960923"],
    ["1.0"],
    ["1.1dev1"],
    ["1.1_"],
    ["1.1a1"],
    ["1.1.0dev1", "1.1.dev1"],
    ["1.1.a1"],
    ["1.1.0rc1"],
    ["1.1.0", "1.1"],
    ["1.1.0post1", "1.1.post1"],
    ["1.1post1"],
    ["1996.07.12"],
    ["1!0.4.1"],
    ["1!3.1.1.6"],
    ["2!0.4.1"],
  ],
}

test.each(Object.entries(ascending))("%s versions in their order", (ecosystem, groups) => {
  const ranked = groups.flatMap((group, rank) => group.map((version) => ({ version, rank })))
  for (const a of ranked) {
    for (const b of ranked) {
      const order = compareVersions(ecosystem as Ecosystem, a.version, b.version) ?? Number.NaN
      expect(`${a.version} ${Math.sign(order)} ${b.version}`).toBe(
        `${a.version} ${Math.sign(a.rank - b.rank)} ${b.version}`,
      )
    }
  }
})

test.each([
  ["pip", "unknown", "1.0"],
  ["r", "1.0", "1.0a"],
] as const)("%s: what the rules do not know has no order", (ecosystem, a, b) => {
  expect(compareVersions(ecosystem, a, b)).toBeUndefined()
})

describe("against the package managers themselves", () => {
  const versions = ascending.apt.flat()

  test.skipIf(!has("dpkg"))("dpkg --compare-versions", () => {
    const script = versions
      .flatMap((a) => versions.map((b) => `dpkg --compare-versions '${a}' lt '${b}' && echo lt || echo ge`))
      .join("\n")
    const answers = execFileSync("sh", ["-c", script], { encoding: "utf8" }).trim().split("\n")
    const ours = versions.flatMap((a) =>
      versions.map((b) => ((compareVersions("apt", a, b) ?? 0) < 0 ? "lt" : "ge")),
    )
    expect(ours).toEqual(answers)
  })

  test.skipIf(!has("python3"))("Python's packaging, where pip brings it", () => {
    const known = ascending.pip.flat()
    const script = [
      "import json, sys",
      "from pip._vendor.packaging.version import Version",
      "v = [Version(x) for x in json.loads(sys.argv[1])]",
      "print(json.dumps([(a > b) - (a < b) for a in v for b in v]))",
    ].join("\n")
    const answer = execFileSync("python3", ["-c", script, JSON.stringify(known)], { encoding: "utf8" })
    const ours = known.flatMap((a) => known.map((b) => Math.sign(compareVersions("pip", a, b) ?? 0)))
    expect(ours).toEqual(JSON.parse(answer))
  })
})

function has(program: string): boolean {
  try {
    execFileSync(
      "sh",
      [
        "-c",
        `command -v ${program} && ( [ ${program} != python3 ] || python3 -c 'import pip._vendor.packaging.version' )`,
      ],
      {
        stdio: "ignore",
      },
    )
    return true
  } catch {
    return false
  }
}
