import type {
  ImageManifest,
  InstalledPackage,
  Ecosystem,
  PackageLists,
} from "../../dagger/lib/manifest/manifestData.js"
import type { WikiChange } from "../../dagger/lib/wiki/change.js"

/** A digest that tells which one it is: `digestOf("a")` is `sha256:aaaa...`. */
export function digestOf(digit: string): string {
  return `sha256:${digit.repeat(64)}`
}

/** Packages of a text: `packagesOf("numpy 1.26.4, pandas 2.2.0")`. */
export function packagesOf(text: string): InstalledPackage[] {
  return text
    .split(", ")
    .filter((each) => each !== "")
    .map((each) => {
      const [name = "", version = ""] = each.split(" ")
      return { name, version }
    })
}

/** Lists of these package managers: `listsOf({ pip: "numpy 1.26.4" })`. */
export function listsOf(lists: Partial<Record<Ecosystem, string>>): PackageLists {
  const entries = Object.entries(lists).map(([ecosystem, text]) => [
    ecosystem,
    { kind: "listed", packages: packagesOf(text) },
  ])
  return Object.fromEntries(entries) as PackageLists
}

/** An index of an image for amd64, which its manifest shows, and one for arm64; lists of either may be unknown. */
export function twoPlatforms(
  amd: Partial<Record<Ecosystem, string>>,
  arm: Partial<Record<Ecosystem, string>>,
  changes: Partial<ImageManifest> = {},
): ImageManifest {
  const other = Object.keys(arm).length === 0 ? {} : { packages: listsOf(arm) }
  return manifestOf("base", "2026.4-main", {
    digest: digestOf("9"),
    sections: [],
    packages: listsOf(amd),
    platforms: [
      { platform: "linux/amd64", digest: digestOf("1"), size: { compressed: 10, unpacked: 100 } },
      { platform: "linux/arm64", digest: digestOf("2"), size: { compressed: 11, unpacked: 110 }, ...other },
    ],
    ...changes,
  })
}

/** A small complete manifest of `ghcr.io/example/<name>:<tag>`. */
export function manifestOf(
  name = "base",
  tag = "2026.4-main",
  changes: Partial<ImageManifest> = {},
): ImageManifest {
  return {
    version: 1,
    name,
    reference: `ghcr.io/example/${name}:${tag}`,
    digest: digestOf("a"),
    created: "2026-10-01T12:00:05Z",
    commit: { sha: "0123456789abcdef", message: "Add a package", time: "2026-10-01T11:00:00Z" },
    source: "https://github.com/example/stack",
    base: { reference: "docker.io/library/debian:13-slim", digest: digestOf("b") },
    platform: "linux/amd64",
    size: { compressed: 28_000_000, unpacked: 74_800_000 },
    tags: [tag],
    layers: [
      {
        command: "RUN /bin/sh -c apt-get update # buildkit",
        size: 12_000_000,
        created: "2026-10-01T12:00:00Z",
      },
    ],
    tests: { passed: 3, failed: 0, skipped: 1, errors: 0, seconds: 4.2 },
    sections: [
      {
        key: "PY",
        description: "Python Version",
        command: "python --version",
        output: "Python 3.11.8\n",
        exitCode: 0,
      },
    ],
    packages: { pip: { kind: "listed", packages: packagesOf("numpy 1.26.4, pandas 2.2.0") } },
    ...changes,
  }
}

/** A run's publication of these images. */
export function publicationOf(sha: string, manifests: readonly ImageManifest[]): WikiChange {
  return { kind: "publish", at: "2026-10-01T12:30:00Z", commit: { sha }, manifests: [...manifests] }
}
