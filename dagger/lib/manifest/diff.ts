import { withoutVariant } from "../registry/imageFacts.js"
import { compareCodeUnits } from "../text/order.js"
import { compareVersions } from "./compareVersions.js"
import { isInspected } from "./knownImage.js"
import { ecosystems } from "./manifestData.js"
import { manifestsByPlatform } from "./platformManifests.js"
import { normalizedName } from "./pythonName.js"
import type { Ecosystem, ImageManifest, InstalledPackage, PackageList, PackageLists } from "./manifestData.js"

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
  /** Of images of several platforms: what changed in each. */
  readonly platforms?: readonly PlatformDiff[]
  /** Package managers that neither image has are left out. Of several platforms: what changed alike on all compared ones. */
  readonly ecosystems: readonly EcosystemDiff[]
}

/** What changed in an image on one of several platforms. */
export interface PlatformDiff {
  /** `linux/arm64` */
  readonly platform: string
  readonly compressed: SizeDiff
  readonly unpacked: SizeDiff
  readonly packages: PlatformPackages
}

/** What is known of the packages of one platform, before and after. */
export type PlatformPackages =
  | { readonly kind: "compared"; readonly ecosystems: readonly EcosystemDiff[] }
  /** One side has the platform, the other has not. */
  | { readonly kind: "added" | "removed" }
  | { readonly kind: "unknown"; readonly reason: string }

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
  const platforms = platformDiffs(from, to)
  return {
    name: to.name,
    from: sideOf(from),
    to: sideOf(to),
    compressed: sizes(from.size.compressed, to.size.compressed),
    unpacked: sizes(from.size.unpacked, to.size.unpacked),
    ...(platforms !== undefined && { platforms }),
    ecosystems: platforms === undefined ? diffLists(from.packages, to.packages) : changedAlike(platforms),
  }
}

/** Compares the packages of two images, or of one on two platforms. Package managers that neither has are left out. */
export function diffLists(from: PackageLists, to: PackageLists): readonly EcosystemDiff[] {
  return withoutRepeated(
    ecosystems.flatMap((ecosystem) => diffEcosystem(ecosystem, from[ecosystem], to[ecosystem])),
  )
}

/** An image that was compared platform by platform, each by itself, as one. @param parts at least one */
export function joinedDiff(
  name: string,
  parts: readonly { readonly platform: string; readonly diff: ImageDiff }[],
): ImageDiff {
  const [first] = parts
  if (first === undefined) throw new RangeError("an image is for one platform at least")
  const platforms = parts.map(
    ({ platform, diff: { compressed, unpacked, ecosystems: own } }): PlatformDiff => {
      return { platform, compressed, unpacked, packages: { kind: "compared", ecosystems: own } }
    },
  )
  return { ...first.diff, name, platforms, ecosystems: changedAlike(platforms) }
}

/** What changed on one platform, beside what changed alike on all that are compared. */
export function changedAlone(
  { ecosystems: alike }: Pick<ImageDiff, "ecosystems">,
  { packages }: Pick<PlatformDiff, "packages">,
): readonly EcosystemDiff[] {
  if (packages.kind !== "compared") return []
  return packages.ecosystems.flatMap((each): readonly EcosystemDiff[] => {
    const common = alike.find(({ ecosystem }) => ecosystem === each.ecosystem)
    if (each.kind === "unknown") return common === undefined ? [each] : []
    const told = new Set(common?.kind === "compared" ? common.changes.map(identityOf) : [])
    const changes = each.changes.filter((change) => !told.has(identityOf(change)))
    return changes.length === 0 ? [] : [{ ...each, changes }]
  })
}

/**
 * What changed alike on all platforms that are compared; a package manager whose lists are not known on one of them is told
 * with its platforms. Unchanged are counted as many as on the platform with the fewest.
 */
function changedAlike(platforms: readonly PlatformDiff[]): readonly EcosystemDiff[] {
  const [first = [], ...others] = platforms.flatMap(({ packages }) =>
    packages.kind === "compared" ? [packages.ecosystems] : [],
  )
  return first.flatMap((each): readonly EcosystemDiff[] => {
    const same = others.flatMap((other) => other.find(({ ecosystem }) => ecosystem === each.ecosystem) ?? [])
    if (same.length < others.length) return []
    if (each.kind === "unknown")
      return same.every((other) => other.kind === "unknown" && other.reason === each.reason) ? [each] : []
    const compared = same.flatMap((other) => (other.kind === "compared" ? [other] : []))
    if (compared.length < same.length) return []
    const sets = compared.map(({ changes }) => new Set(changes.map(identityOf)))
    const changes = each.changes.filter((change) => sets.every((set) => set.has(identityOf(change))))
    const unchanged = Math.min(...[each, ...compared].map((other) => other.unchanged))
    return [{ ...each, changes, unchanged }]
  })
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

/** Undefined where both sides are of one platform. */
function platformDiffs(from: ImageManifest, to: ImageManifest): readonly PlatformDiff[] | undefined {
  if (from.platforms === undefined && to.platforms === undefined) return undefined
  const [before, after] = [byPlatform(from), byPlatform(to)]
  const names = new Set([...after.keys(), ...before.keys()])
  return [...names].map((platform): PlatformDiff => {
    const [older, newer] = [before.get(platform), after.get(platform)]
    return {
      platform,
      compressed: sizes(older?.size.compressed, newer?.size.compressed),
      unpacked: sizes(older?.size.unpacked, newer?.size.unpacked),
      packages: platformPackages(older, newer),
    }
  })
}

function platformPackages(
  before: ImageManifest | undefined,
  after: ImageManifest | undefined,
): PlatformPackages {
  if (after === undefined) return { kind: "removed" }
  if (before === undefined) return { kind: "added" }
  const known = [before, after].filter(isInspected)
  if (before.digest !== undefined && before.digest === after.digest) {
    const { packages = {} } = known[0] ?? {}
    return { kind: "compared", ecosystems: diffLists(packages, packages) }
  }
  if (known.length === 2) return { kind: "compared", ecosystems: diffLists(before.packages, after.packages) }
  const sides = [isInspected(before) ? [] : ["before"], isInspected(after) ? [] : ["after"]].flat()
  return { kind: "unknown", reason: `no run looked into it (${sides.join(" and ")})` }
}

function byPlatform(manifest: ImageManifest): ReadonlyMap<string, ImageManifest> {
  return new Map(
    manifestsByPlatform(manifest).map((part) => [
      withoutVariant(part.platform ?? part.manifest.platform),
      part.manifest,
    ]),
  )
}

function sizes(from: number | undefined, to: number | undefined): SizeDiff {
  return { ...(from !== undefined && { from }), ...(to !== undefined && { to }) }
}
