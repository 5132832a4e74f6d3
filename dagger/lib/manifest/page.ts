import { formatBytes, formatDuration, plural } from "../text/format.js"
import { ecosystemTitles, renderImageDiff } from "./diffMarkdown.js"
import { diffLists } from "./diff.js"
import { isInspected } from "./knownImage.js"
import { ecosystems } from "./manifestData.js"
import type { PlatformManifest } from "./platformManifests.js"
import { manifestsByPlatform } from "./platformManifests.js"
import { codeCell, codeSpan, fenced, folded, link, plainText, table } from "../text/markdown.js"
import { cleanText } from "../text/cleanText.js"
import type { ImageDiff, PackageChange } from "./diff.js"
import type {
  Ecosystem,
  ImageManifest,
  InfoSection,
  ManifestLayer,
  ManifestTests,
  PackageList,
} from "./manifestData.js"

/** Longer outputs and tables are folded; the longest outputs are cut, for GitHub does not render pages without end. */
const openLines = 30
const mostLines = 4000
const longestCommand = 240
/** Packages that differ from one platform to another: where there are more, it is another image. */
const mostDifferences = 250

/** What a page shows beside the manifest. */
export interface PageExtras {
  /** What changed since an earlier image, usually the stable one of the last quarter. */
  readonly since?: ImageDiff
  /** A picture of how it went from run to run, in Markdown. */
  readonly trend?: string
}

/** An image's manifest page in GitHub's Markdown. The same manifest gives the same bytes. */
export function renderPage(manifest: ImageManifest, { since, trend }: PageExtras = {}): string {
  const blocks = [
    `# ${plainText(titleOf(manifest))}`,
    builtTable(manifest),
    ...platformBlocks(manifest),
    ...(isInspected(manifest) ? [] : [notInspected]),
    ...pullBlocks(manifest),
    ...(since === undefined
      ? []
      : [`## Changes since ${plainText(tagOf(since.from.reference))}`, renderImageDiff(since)]),
    ...(trend === undefined ? [] : ["## Trends", trend]),
    ...manifest.sections.flatMap(sectionBlocks),
    ...packageBlocks(manifest),
    ...otherPlatforms(manifest),
    ...testBlocks(manifest.tests),
    ...layerBlocks(manifest.layers),
  ]
  return `${blocks.join("\n\n")}\n`
}

const notInspected = "> The run that wrote this page did not look into the image: what is in it is not known."

function titleOf({ name, reference }: ImageManifest): string {
  return `${name} ${tagOf(reference)}`
}

function tagOf(reference: string): string {
  const named = reference.split("@")[0] ?? reference
  const colon = named.lastIndexOf(":")
  return colon > named.lastIndexOf("/") ? named.slice(colon + 1) : named
}

function builtTable(manifest: ImageManifest): string {
  const { reference, digest, promotedFrom, base, tags, platform, created } = manifest
  const rows: (readonly [string, string | undefined])[] = [
    ["Image", codeCell(reference)],
    ["Digest", digest === undefined ? "not published" : codeCell(digest)],
    ["Promoted from", promotedFrom === undefined ? undefined : codeCell(promotedFrom)],
    ["Tags", tags.length === 0 ? undefined : tags.map(codeCell).join(" ")],
    ["Built", formatTime(created)],
    ["Build", manifest.buildSeconds === undefined ? undefined : formatDuration(manifest.buildSeconds * 1000)],
    ["Commit", commitCell(manifest)],
    ["Base", base === undefined ? undefined : codeCell(baseOf(base))],
    ["Size", sizeCell(manifest)],
    ["Platform", codeCell(platform)],
    ["System", manifest.os === undefined ? undefined : plainText(manifest.os.name ?? manifest.os.id)],
    ["Tests", manifest.tests === undefined ? undefined : testSentence(manifest.tests)],
    ["Packages", packageSentence(manifest)],
    ["Failed sections", failedSections(manifest)],
  ]
  const known = rows.flatMap(([label, value]) => (value === undefined ? [] : [[`**${label}**`, value]]))
  return table(["", "What was built"], known)
}

/** `2026-10-01 12:00:05 UTC`; what is not a time is shown as it is. */
function formatTime(iso: string): string {
  const time = new Date(iso)
  if (Number.isNaN(time.getTime())) return plainText(iso)
  return `${time.toISOString().slice(0, 19).replace("T", " ")} UTC`
}

function commitCell({ commit, source }: ImageManifest): string | undefined {
  if (commit === undefined) return undefined
  const short = codeCell(commit.sha.slice(0, 7))
  const shown = source === undefined ? short : link(short, `${source}/commit/${commit.sha}`)
  const time = commit.time === undefined ? [] : [`(${formatTime(commit.time)})`]
  const subject = commit.message?.split("\n")[0]
  return [shown, ...(subject === undefined ? [] : [plainText(subject)]), ...time].join(" ")
}

function baseOf({ reference, digest }: NonNullable<ImageManifest["base"]>): string {
  return digest === undefined || reference.includes("@") ? reference : `${reference}@${digest}`
}

/** What is in the index, where there is one; packages and layers below are those of one of them. */
function platformBlocks({ platform: shown, platforms }: ImageManifest): readonly string[] {
  if (platforms === undefined) return []
  const rows = platforms.map((each) => [
    codeCell(each.platform),
    each.digest === undefined ? "not published" : codeCell(each.digest),
    sizeCell(each),
  ])
  const word = `What follows is that of ${codeSpan(shown)}.`
  return ["## Platforms", table(["Platform", "Digest", "Size"], rows), word]
}

function sizeCell({ size }: Pick<ImageManifest, "size">): string {
  const unpacked = size.unpacked === undefined ? [] : [`${formatBytes(size.unpacked)} unpacked`]
  const compressed = size.compressed === undefined ? [] : [`${formatBytes(size.compressed)} to download`]
  const known = [...unpacked, ...compressed]
  return known.length === 0 ? "not known" : known.join(", ")
}

function pullBlocks({ reference, digest }: ImageManifest): readonly string[] {
  const named = reference.split("@")[0] ?? reference
  const repository = named.slice(0, named.length - tagOf(named).length).replace(/:$/, "") || named
  if (digest === undefined) return []
  return [
    "## Pull",
    "Exactly this image, whatever its tags name later:",
    fenced(`docker pull ${repository}@${digest}`, "sh"),
  ]
}

function sectionBlocks(section: InfoSection): readonly string[] {
  return [`## ${headingOf(section)}`, codeSpan(section.command), ...outputBlocks(section)].filter(
    (block) => block !== "",
  )
}

function outputBlocks({ output, exitCode }: InfoSection): readonly string[] {
  const text = cleanText(output).trimEnd()
  const failure = exitCode === 0 ? [] : [`> ❌ **Failed:** the command ended with exit status ${exitCode}.`]
  if (text === "") return failure.length > 0 ? failure : ["> ❌ **Failed:** the command printed nothing."]
  const lines = text.split("\n")
  const cut = lines.length - mostLines
  const note = cut > 0 ? [`${cut} more lines are in the page's data.`] : []
  const block = fenced(lines.slice(0, mostLines).join("\n"), "text")
  const shown = lines.length > openLines ? folded(plural(lines.length, "line"), block) : block
  return [...failure, shown, ...note]
}

function isFailed({ output, exitCode }: InfoSection): boolean {
  return exitCode !== 0 || cleanText(output).trim() === ""
}

function headingOf({ description, key }: InfoSection): string {
  return plainText(description === "" ? key : description)
}

function failedSections({ sections }: ImageManifest): string | undefined {
  const failed = sections.filter(isFailed)
  return failed.length === 0 ? undefined : `❌ ${failed.map(headingOf).join(", ")}`
}

/** Lists of package managers that no info command shows: each is otherwise on the page already. */
function packageBlocks({ packages, sections }: ImageManifest): readonly string[] {
  return ecosystems.flatMap((ecosystem) => {
    const list = packages[ecosystem]
    if (list === undefined || sections.some(({ command }) => showsPackages[ecosystem].test(command)))
      return []
    return packageList(ecosystem, list)
  })
}

const showsPackages: Readonly<Record<Ecosystem, RegExp>> = {
  apt: /\b(?:apt|apt-cache|dpkg|dpkg-query)\b.*(?:list|-l|-W)/,
  pip: /\bpip3?\b.*\b(?:list|freeze)\b/,
  r: /installed\.packages/,
  conda: /\b(?:conda|mamba|micromamba)\b.*\blist\b/,
  npm: /\blabextension\b.*\blist\b/,
}

function packageList(ecosystem: Ecosystem, list: PackageList): readonly string[] {
  const heading = `## ${ecosystemTitles[ecosystem]}`
  if (list.kind === "absent") return []
  if (list.kind === "failed") return [heading, `> ❌ **Failed:** ${plainText(list.reason)}`]
  if (list.packages.length === 0) return []
  const width = Math.max(...list.packages.map(({ name }) => name.length))
  const lines = list.packages.map(({ name, version }) => `${name.padEnd(width)}  ${version}`)
  const block = fenced(lines.join("\n"), "text")
  return [heading, lines.length > openLines ? folded(plural(lines.length, "package"), block) : block]
}

/** What is in the image on its other platforms, as far as that differs: pages would double. */
function otherPlatforms(manifest: ImageManifest): readonly string[] {
  const parts = manifestsByPlatform(manifest)
  const shown = parts.find(({ isShown }) => isShown)
  const others = parts.filter(({ isShown }) => !isShown)
  if (shown === undefined || others.length === 0 || !isInspected(shown.manifest)) return []
  return ["## Other platforms", ...others.flatMap((other) => differenceBlocks(shown, other))]
}

function differenceBlocks(shown: PlatformManifest, other: PlatformManifest): readonly string[] {
  const names = [shown, other].map(({ platform, manifest }) => codeSpan(platform ?? manifest.platform))
  const [first = "", name = ""] = names
  if (!isInspected(other.manifest)) return [`${name}: no run looked into it.`]
  const compared = diffLists(shown.manifest.packages, other.manifest.packages)
  const unknown = compared.flatMap((each) => (each.kind === "unknown" ? [each.ecosystem] : []))
  const rows = compared.flatMap((each) =>
    each.kind === "compared"
      ? each.changes.map((change) => [plainText(change.name), each.ecosystem, ...versionCells(change)])
      : [],
  )
  const note = unknown.length === 0 ? [] : [`Not comparable: ${unknown.join(", ")}.`]
  if (rows.length === 0) return [`${name}: the same packages as on ${first}.`, ...note]
  const cells = table(["Package", "By", first, name], rows.slice(0, mostDifferences))
  const more = rows.length - mostDifferences
  const body = more > 0 ? `${cells}\n\n${more} more are in the page's data.` : cells
  const sentence = `${name}: ${plural(rows.length, "package")} other than on ${first}.`
  return [sentence, rows.length > openLines ? folded(plural(rows.length, "package"), body) : body, ...note]
}

function versionCells(change: PackageChange): readonly string[] {
  return ["from" in change ? codeCell(change.from) : "none", "to" in change ? codeCell(change.to) : "none"]
}

const ecosystemNames: Readonly<Record<Ecosystem, string>> = {
  ...{ apt: "apt", pip: "pip", r: "R", conda: "conda" },
  npm: "JupyterLab",
}

function packageSentence({ packages }: ImageManifest): string | undefined {
  const counts = ecosystems.flatMap((ecosystem) => {
    const list = packages[ecosystem]
    if (list?.kind === "failed") return [`${ecosystemNames[ecosystem]}: not known`]
    return list?.kind === "listed" ? [`${list.packages.length} ${ecosystemNames[ecosystem]}`] : []
  })
  return counts.length === 0 ? undefined : counts.join(", ")
}

function testSentence({ passed, failed, skipped, errors, seconds }: ManifestTests): string {
  const counts = [
    `${passed} passed`,
    ...(failed > 0 ? [`**${failed} failed**`] : []),
    ...(errors > 0 ? [`**${plural(errors, "error")}**`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
  ]
  return `${counts.join(", ")} in ${formatDuration(seconds * 1000)}`
}

function testBlocks(tests: ManifestTests | undefined): readonly string[] {
  if (tests === undefined) return []
  const { passed, failed, skipped, errors, seconds } = tests
  const counts = [passed, failed, errors, skipped].map(String)
  const header = ["Passed", "Failed", "Errors", "Skipped", "Time"]
  return ["## Tests", table(header, [[...counts, formatDuration(seconds * 1000)]], "rrrrr")]
}

function layerBlocks(layers: readonly ManifestLayer[]): readonly string[] {
  if (layers.length === 0) return []
  const rows = layers.map(({ command, size, created }, index) => [
    String(index + 1),
    codeCell(shortened(command)),
    size === undefined ? "" : unbroken(formatBytes(size)),
    created === undefined ? "" : unbroken(formatTime(created).replace(/:\d\d UTC$/, "")),
  ])
  const layerTable = table(["", "Command", "Size", "Created (UTC)"], rows, "r-r-")
  const shown = layers.length > openLines ? folded(plural(layers.length, "layer"), layerTable) : layerTable
  return ["## Layers", shown]
}

/** Keeps a narrow column from breaking its lines: at spaces, and at the hyphens of dates. */
function unbroken(text: string): string {
  return text.replaceAll(" ", "&nbsp;").replaceAll("-", "&#8209;")
}

/** Without what builders add: the shell, "nop" of the old builder, comments and steps of BuildKit, the engine's words. */
function shortened(command: string): string {
  const bare = command
    .replace(/^mount \/ from exec /, "RUN ")
    .replace(/^pulled from /, "FROM ")
    .replace(/^\[[^\]]+ \d+\/\d+\] /, "")
    // The stage that holds the image's own files in a linked Dockerfile.
    .replace(/ --from=\S+--context(?= )/, "")
    .replace(
      /^(?:RUN )?(?:\|\d+ .*?)?(?:\/bin\/sh -c|\/bin\/bash -o pipefail -c) (?:#\(nop\)\s*)?/,
      (found) => (found.includes("#(nop)") ? "" : "RUN "),
    )
    .replace(/ # buildkit$/, "")
    // A whole digest is wider than the rest of the table.
    .replaceAll(/@sha256:([0-9a-f]{12})[0-9a-f]{52}/g, "@sha256:$1…")
    .replaceAll(/\s+/g, " ")
    .trim()
  return bare.length > longestCommand ? `${bare.slice(0, longestCommand - 1)}…` : bare
}
