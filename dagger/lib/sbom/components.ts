import { PackageURL } from "packageurl-js"
import type { Ecosystem, ImageManifest, InstalledPackage, OperatingSystem } from "../manifest/manifestData.js"
import { ecosystems } from "../manifest/manifestData.js"
import { normalizedName } from "../manifest/pythonName.js"
import { parseReference } from "../reference/reference.js"
import { licenseExpression } from "./license.js"

/** One package of an image, as bills of materials name it. */
export interface Component {
  readonly ecosystem: Ecosystem
  readonly name: string
  readonly version: string
  /** Package URL: https://github.com/package-url/purl-spec; none for what no package type names. */
  readonly purl: string | undefined
  readonly license: License | undefined
}

/** What a package says of its license: an SPDX expression, or words that are none. */
export type License =
  | { readonly kind: "expression"; readonly expression: string }
  | { readonly kind: "words"; readonly words: string }

/** The packages that an image's manifest lists. */
export function componentsOf({ packages, os }: ImageManifest): readonly Component[] {
  return ecosystems.flatMap((ecosystem) => {
    const list = packages[ecosystem]
    if (list?.kind !== "listed") return []
    return list.packages.map((each) => ({
      ecosystem,
      name: each.name,
      version: each.version,
      purl: purlOf(ecosystem, each, os),
      license: licenseOf(ecosystem, each.license),
    }))
  })
}

/** Sentences on lists that could not be had: what they would name is missing from a bill of materials. */
export function missingLists({ packages }: ImageManifest): readonly string[] {
  return ecosystems.flatMap((ecosystem) => {
    const list = packages[ecosystem]
    return list?.kind === "failed" ? [`the packages of ${ecosystem} could not be listed: ${list.reason}`] : []
  })
}

/** The image itself, as bills of materials name it. */
export interface ImageComponent {
  /** `ghcr.io/example/base`. */
  readonly repository: string
  /** The last part of it. */
  readonly name: string
  readonly version: string | undefined
  /** Hexadecimal digits of its digest, where it is published. */
  readonly sha256: string | undefined
  /** https://github.com/package-url/purl-spec/blob/main/types-doc/oci-definition.md; none without a digest. */
  readonly purl: string | undefined
}

/** The image of a manifest. */
export function imageComponent({ reference, digest }: ImageManifest): ImageComponent {
  const { registry, path, tag } = parseReference(reference)
  const repository = `${registry}/${path}`
  const name = path.slice(path.lastIndexOf("/") + 1)
  const more = qualifiers({ repository_url: repository, tag })
  return {
    repository,
    name,
    version: tag ?? digest,
    sha256: digest?.replace(/^sha256:/, ""),
    purl: digest === undefined ? undefined : urlOf("oci", undefined, { name, version: digest }, more),
  }
}

function licenseOf(ecosystem: Ecosystem, words: string | undefined): License | undefined {
  if (words === undefined) return undefined
  const expression = licenseExpression(ecosystem, words)
  return expression === undefined ? { kind: "words", words } : { kind: "expression", expression }
}

function purlOf(
  ecosystem: Ecosystem,
  each: InstalledPackage,
  os: OperatingSystem | undefined,
): string | undefined {
  switch (ecosystem) {
    case "apt":
      return debianPurl(each, os)
    case "pip":
      return urlOf("pypi", undefined, { ...each, name: normalizedName(each.name) })
    case "r":
      return rPurl(each)
    case "conda":
      return urlOf("conda", undefined, each, qualifiers({ build: each.build, channel: each.channel }))
    case "npm":
      return npmPurl(each)
  }
}

/** The source package goes by `upstream`, as scanners read it: advisories are kept by source packages. */
function debianPurl(each: InstalledPackage, os: OperatingSystem | undefined): string {
  const { source, architecture: arch } = each
  const upstream =
    source === undefined
      ? undefined
      : source.version === each.version
        ? source.name
        : `${source.name}@${source.version}`
  const id = os?.id ?? "debian"
  const distro = os?.version === undefined ? undefined : `${id}-${os.version}`
  return urlOf("deb", id, each, qualifiers({ arch, distro, upstream }))
}

/** What R itself brings has no package URL. */
function rPurl(each: InstalledPackage): string | undefined {
  if (each.repository === "R") return undefined
  return urlOf(each.repository === "Bioconductor" ? "bioconductor" : "cran", undefined, each)
}

function npmPurl(each: InstalledPackage): string {
  const slash = each.name.startsWith("@") ? each.name.indexOf("/") : -1
  const scope = slash === -1 ? undefined : each.name.slice(0, slash)
  return urlOf("npm", scope, { ...each, name: each.name.slice(slash + 1) })
}

function urlOf(
  type: string,
  namespace: string | undefined,
  { name, version }: InstalledPackage,
  more: Readonly<Record<string, string>> = {},
): string {
  return new PackageURL(type, namespace, name, version, more, undefined).toString()
}

function qualifiers(all: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
  )
}
