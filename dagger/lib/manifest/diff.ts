import { compareCodeUnits } from "../text/order.js"
import { compareVersions } from "./compareVersions.js"
import { ecosystems } from "./manifestData.js"
import { normalizedName } from "./pythonName.js"
import type { Ecosystem, ImageManifest, InstalledPackage, PackageList } from "./manifestData.js"

/** What became of one package. `changed`: the versions differ, but their rules do not say which is newer. */
export type PackageChange =
  | { readonly kind: "added"; readonly name: string; readonly to: string }
  | { readonly kind: "removed"; readonly name: string; readonly from: string }
  | {
      readonly kind: "upgraded" | "downgraded" | "changed"
      readonly name: string
      readonly from: string
      readonly to: string
    }

/** The difference in one package manager's packages. */
export type EcosystemDiff =
  | {
      readonly kind: "compared"
      readonly ecosystem: Ecosystem
      /** By name. */
      readonly changes: readonly PackageChange[]
      /** Packages that are in both with the same version. */
      readonly unchanged: number
    }
  | { readonly kind: "unknown"; readonly ecosystem: Ecosystem; readonly reason: string }

/** Bytes before and after; a side that is not known is missing. */
export interface SizeDiff {
  readonly from?: number
  readonly to?: number
}

/** What changed from one manifest of an image to another. */
export interface ImageDiff {
  readonly name: string
  readonly from: ComparedImage
  readonly to: ComparedImage
  readonly compressed: SizeDiff
  readonly unpacked: SizeDiff
  /** Of images of several platforms: what changed in the size of each. */
  readonly platforms?: readonly PlatformDiff[]
  /** Package managers that neither image has are left out. Of several platforms: of the one that both sides tell of. */
  readonly ecosystems: readonly EcosystemDiff[]
}

/** The sizes of an image on one of several platforms, before and after. */
export interface PlatformDiff {
  /** `linux/arm64` */
  readonly platform: string
  /** Whether the packages are compared on this one. */
  readonly isShown: boolean
  readonly compressed: SizeDiff
  readonly unpacked: SizeDiff
}

/** One side of a comparison. */
export interface ComparedImage {
  readonly reference: string
  readonly digest?: string
}

/** The difference between two sets of images, by name in the order of the newer set, removed images last. */
export type SetDiff = readonly SetDiffEntry[]

export type SetDiffEntry =
  | { readonly kind: "compared"; readonly name: string; readonly diff: ImageDiff }
  | { readonly kind: "added"; readonly name: string; readonly manifest: ImageManifest }
  | { readonly kind: "removed"; readonly name: string; readonly manifest: ImageManifest }

/** Compares two manifests, of the same image or not. */
export function diffManifests(from: ImageManifest, to: ImageManifest): ImageDiff {
  const compared = ecosystems.flatMap((ecosystem) =>
    diffEcosystem(ecosystem, from.packages[ecosystem], to.packages[ecosystem]),
  )
  return {
    name: to.name,
    from: sideOf(from),
    to: sideOf(to),
    compressed: sizes(from.size.compressed, to.size.compressed),
    unpacked: sizes(from.size.unpacked, to.size.unpacked),
    ...platformDiffs(from, to),
    ecosystems: withoutRepeated(compared),
  }
}

/** Compares two sets of manifests, image by image by their names in the spec. */
export function diffSets(from: readonly ImageManifest[], to: readonly ImageManifest[]): SetDiff {
  const before = new Map(from.map((manifest) => [manifest.name, manifest]))
  const names = new Set(to.map(({ name }) => name))
  const present = to.map((manifest): SetDiffEntry => {
    const older = before.get(manifest.name)
    if (older === undefined) return { kind: "added", name: manifest.name, manifest }
    return { kind: "compared", name: manifest.name, diff: diffManifests(older, manifest) }
  })
  const removed = from
    .filter(({ name }) => !names.has(name))
    .map((manifest): SetDiffEntry => ({ kind: "removed", name: manifest.name, manifest }))
  return [...present, ...removed]
}

function diffEcosystem(
  ecosystem: Ecosystem,
  from: PackageList | undefined,
  to: PackageList | undefined,
): readonly EcosystemDiff[] {
  const before = packagesOf(from)
  const after = packagesOf(to)
  if (typeof before === "string" || typeof after === "string") {
    const isNowhere = from === undefined && to === undefined
    const reasons = [
      typeof before === "string" ? `before: ${before}` : [],
      typeof after === "string" ? `after: ${after}` : [],
    ].flat()
    return isNowhere ? [] : [{ kind: "unknown", ecosystem, reason: reasons.join("; ") }]
  }
  if (from?.kind === "absent" && to?.kind === "absent") return []
  return [{ kind: "compared", ecosystem, ...diffPackages(ecosystem, before, after) }]
}

/** The packages; an absent package manager has none. A text tells why they are not known. */
function packagesOf(list: PackageList | undefined): readonly InstalledPackage[] | string {
  if (list === undefined) return "not collected"
  switch (list.kind) {
    case "absent":
      return []
    case "failed":
      return list.reason
    case "listed":
      return list.packages
  }
}

function diffPackages(
  ecosystem: Ecosystem,
  from: readonly InstalledPackage[],
  to: readonly InstalledPackage[],
): { readonly changes: readonly PackageChange[]; readonly unchanged: number } {
  const before = byKey(ecosystem, from)
  const after = byKey(ecosystem, to)
  const gone = [...before]
    .filter(([key]) => !after.has(key))
    .map(([, { name, version }]) => removed(name, version))
  const now = [...after].flatMap(([key, { name, version }]) => {
    const older = before.get(key)
    if (older === undefined) return [{ kind: "added", name, to: version } as const]
    return older.version === version ? [] : [changed(ecosystem, name, older.version, version)]
  })
  const kept = [...after].filter(([key, { version }]) => before.get(key)?.version === version)
  return {
    changes: [...gone, ...now].sort((a, b) => compareCodeUnits(a.name.toLowerCase(), b.name.toLowerCase())),
    unchanged: kept.length,
  }
}

function removed(name: string, from: string): PackageChange {
  return { kind: "removed", name, from }
}

function changed(ecosystem: Ecosystem, name: string, from: string, to: string): PackageChange {
  const order = compareVersions(ecosystem, from, to)
  if (order === undefined || order === 0) return { kind: "changed", name, from, to }
  return { kind: order < 0 ? "upgraded" : "downgraded", name, from, to }
}

function byKey(
  ecosystem: Ecosystem,
  packages: readonly InstalledPackage[],
): ReadonlyMap<string, InstalledPackage> {
  return new Map(packages.map((each) => [ecosystem === "pip" ? normalizedName(each.name) : each.name, each]))
}

/** `pip list` shows Python packages that conda installed too: a change that conda has as well is told once. */
function withoutRepeated(compared: readonly EcosystemDiff[]): readonly EcosystemDiff[] {
  const conda = compared.find((each) => each.ecosystem === "conda")
  if (conda?.kind !== "compared") return compared
  const known = new Set(conda.changes.map(identityOf))
  return compared.map((each) => {
    if (each.kind !== "compared" || each.ecosystem !== "pip") return each
    return { ...each, changes: each.changes.filter((change) => !known.has(identityOf(change))) }
  })
}

function identityOf(change: PackageChange): string {
  const from = "from" in change ? change.from : ""
  const to = "to" in change ? change.to : ""
  return `${normalizedName(change.name)} ${from} ${to}`
}

function sideOf({ reference, digest }: ImageManifest): ComparedImage {
  return { reference, ...(digest !== undefined && { digest }) }
}

/** Nothing where both sides are of one platform. */
function platformDiffs(from: ImageManifest, to: ImageManifest): Pick<ImageDiff, "platforms"> {
  if (from.platforms === undefined && to.platforms === undefined) return {}
  const before = sizesByPlatform(from)
  const after = sizesByPlatform(to)
  const names = new Set([...after.keys(), ...before.keys()])
  const platforms = [...names].map((platform): PlatformDiff => {
    const [older, newer] = [before.get(platform), after.get(platform)]
    return {
      platform,
      isShown: platform === to.platform && platform === from.platform,
      compressed: sizes(older?.compressed, newer?.compressed),
      unpacked: sizes(older?.unpacked, newer?.unpacked),
    }
  })
  return { platforms }
}

function sizesByPlatform({
  platform: only,
  size: own,
  platforms = [{ platform: only, size: own }],
}: ImageManifest): ReadonlyMap<string, ImageManifest["size"]> {
  return new Map(platforms.map(({ platform, size }) => [platform, size]))
}

function sizes(from: number | undefined, to: number | undefined): SizeDiff {
  return { ...(from !== undefined && { from }), ...(to !== undefined && { to }) }
}
