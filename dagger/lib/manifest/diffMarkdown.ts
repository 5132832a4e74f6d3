import { formatBytes, listOf, plural, shortDigest } from "../text/format.js"
import { codeCell, codeSpan, folded, plainText, table } from "../text/markdown.js"
import type {
  EcosystemDiff,
  ImageDiff,
  PackageChange,
  PlatformDiff,
  SetDiff,
  SetDiffEntry,
  SizeDiff,
} from "./diff.js"
import { changedAlone } from "./diff.js"
import type { Ecosystem, ImageManifest } from "./manifestData.js"

/** Names of the package managers on pages. */
export const ecosystemTitles: Readonly<Record<Ecosystem, string>> = {
  apt: "System packages (apt)",
  pip: "Python packages (pip)",
  r: "R packages",
  conda: "Conda packages",
  npm: "JupyterLab extensions (npm)",
}

/** Changes shown without a click, and at most for one package manager: a comment on GitHub ends at 65,536 characters. */
const openRows = 15
const mostRows = 250

const kindOrder = ["upgraded", "downgraded", "changed", "added", "removed"] as const

/** A set of images' differences, for a pull request or a promotion's report: a table of all, then each image. */
export function renderSetDiff(diff: SetDiff): string {
  if (diff.length === 0) return "No images to compare."
  const overview = table(["Image", "Packages", "Unpacked size"], diff.map(overviewRow))
  const details = diff
    .filter((entry) => entry.kind === "compared")
    .map(({ diff: image }) => `### ${plainText(image.name)}\n\n${renderImageDiff(image)}`)
  return [overview, ...details].join("\n\n")
}

/** One image's differences, without a heading. */
export function renderImageDiff(diff: ImageDiff): string {
  if (diff.from.digest !== undefined && diff.from.digest === diff.to.digest) {
    return `The same image: ${codeSpan(shortDigest(diff.to.digest))}.`
  }
  return [
    sentence(diff),
    ...platformSizes(diff),
    ...diff.ecosystems.map(renderEcosystem),
    ...(diff.platforms ?? []).flatMap((platform) => platformBlocks(diff, platform)),
  ].join("\n\n")
}

/** What of one platform the tables before have not told. */
function platformBlocks(diff: ImageDiff, part: PlatformDiff): readonly string[] {
  const name = codeSpan(part.platform)
  switch (part.packages.kind) {
    case "added":
      return [`${name} is new: its packages are compared with nothing.`]
    case "removed":
      return [`${name} is no longer there.`]
    case "unknown":
      return [`The packages on ${name} are not comparable: ${plainText(part.packages.reason)}.`]
    case "compared": {
      const own = changedAlone(diff, part)
      return own.length === 0 ? [] : [`Only on ${name}:`, ...own.map(renderEcosystem)]
    }
  }
}

/** `2 upgraded, 1 added`, or `no changes`. */
export function countChanges(changes: readonly PackageChange[]): string {
  const counts = kindOrder
    .map((kind) => ({ kind, count: changes.filter((change) => change.kind === kind).length }))
    .filter(({ count }) => count > 0)
    .map(({ kind, count }) => `${count} ${kind}`)
  return counts.length === 0 ? "no changes" : counts.join(", ")
}

function overviewRow(entry: SetDiffEntry): readonly string[] {
  const name = plainText(entry.name)
  if (entry.kind === "compared") {
    return [name, summaryOf(entry.diff), sizeChange(entry.diff.unpacked) ?? "not known"]
  }
  const size = unpackedSize(entry.manifest)
  return entry.kind === "added" ? [name, "**new image**", size] : [name, "**image removed**", `was ${size}`]
}

function unpackedSize({ size }: ImageManifest): string {
  return size.unpacked === undefined ? "not known" : formatBytes(size.unpacked)
}

/** What changed in the packages of all package managers, counted; what changed alike on several platforms once. */
export function summaryOf(diff: Pick<ImageDiff, "ecosystems" | "platforms">): string {
  const told = allChanges(diff)
  const changes = told.flatMap((each) => (each.kind === "compared" ? each.changes : []))
  const unknown = [
    ...told.flatMap((each) => (each.kind === "unknown" ? [each.ecosystem] : [])),
    ...(diff.platforms ?? []).flatMap(({ platform, packages }) =>
      packages.kind === "unknown" ? [platform] : [],
    ),
  ]
  const note = unknown.length === 0 ? "" : ` (${[...new Set(unknown)].join(", ")} not known)`
  return `${countChanges(changes)}${note}`
}

/** The comparisons of all package managers, then those of what changed on one platform alone. */
function allChanges(diff: Pick<ImageDiff, "ecosystems" | "platforms">): readonly EcosystemDiff[] {
  return [...diff.ecosystems, ...(diff.platforms ?? []).flatMap((part) => changedAlone(diff, part))]
}

function sentence({ from, to, unpacked, compressed }: ImageDiff): string {
  const sizes = [
    { label: "unpacked", change: sizeChange(unpacked) },
    { label: "compressed", change: sizeChange(compressed) },
  ]
  const told = sizes
    .filter(({ change }) => change !== undefined)
    .map(({ label, change }) => `${label} ${change ?? ""}`)
  return [`From ${codeSpan(from.reference)} to ${codeSpan(to.reference)}`, ...told].join("; ") + "."
}

/** The sizes on each of several platforms, and on which of them the packages below are. */
function platformSizes({ platforms = [] }: ImageDiff): readonly string[] {
  if (platforms.length === 0) return []
  const rows = platforms.map(({ platform, unpacked, compressed }) => [
    codeCell(platform),
    sizeChange(unpacked) ?? "not known",
    sizeChange(compressed) ?? "not known",
  ])
  const compared = platforms
    .filter(({ packages }) => packages.kind === "compared")
    .map(({ platform }) => codeSpan(platform))
  const word =
    compared.length > 1
      ? `What changed alike on ${listOf(compared)} is told once.`
      : `The packages are those on ${compared.join("")}.`
  return [table(["Platform", "Unpacked", "To download"], rows), ...(compared.length === 0 ? [] : [word])]
}

/** `4.20 GB → 4.31 GB (+110 MB)`; undefined where neither side is known. */
export function sizeChange({ from, to }: SizeDiff): string | undefined {
  if (from === undefined && to === undefined) return undefined
  if (from === undefined) return `not known → ${formatBytes(to ?? 0)}`
  if (to === undefined) return `${formatBytes(from)} → not known`
  if (from === to) return `${formatBytes(to)} (same)`
  return `${formatBytes(from)} → ${formatBytes(to)} (${to > from ? "+" : ""}${formatBytes(to - from)})`
}

function renderEcosystem(diff: EcosystemDiff): string {
  const title = ecosystemTitles[diff.ecosystem]
  if (diff.kind === "unknown") return `**${title}**: not comparable, ${plainText(diff.reason)}.`
  const unchanged = `${plural(diff.unchanged, "package")} unchanged`
  const heading = `**${title}**: ${countChanges(diff.changes)}, ${unchanged}.`
  if (diff.changes.length === 0) return heading
  const rows = kindOrder.flatMap((kind) => diff.changes.filter((change) => change.kind === kind))
  const shown = table(["Package", "Change", "Before", "After"], rows.slice(0, mostRows).map(changeRow))
  const more = rows.length - mostRows
  const body = more > 0 ? `${shown}\n\n${more} more are in the manifests' data.` : shown
  return `${heading}\n\n${rows.length > openRows ? folded(`All ${plural(rows.length, "change")}`, body) : body}`
}

/** How many packages came, went or have another version. */
export function changesIn(diff: Pick<ImageDiff, "ecosystems" | "platforms">): number {
  return allChanges(diff).reduce((sum, each) => sum + (each.kind === "compared" ? each.changes.length : 0), 0)
}

function changeRow(change: PackageChange): readonly string[] {
  const from = "from" in change ? codeCell(change.from) : ""
  const to = "to" in change ? codeCell(change.to) : ""
  return [plainText(change.name), change.kind, from, to]
}
