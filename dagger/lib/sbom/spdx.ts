import type { ImageManifest } from "../manifest/manifestData.js"
import type { Component } from "./components.js"
import { componentsOf, imageComponent, missingLists } from "./components.js"
import { documentId, documentTime, toolName } from "./identity.js"

const nothingSaid = "NOASSERTION"
const imageId = "SPDXRef-Image"

/**
 * An image's packages as an SPDX 2.3 document in JSON: https://spdx.github.io/spdx-spec/v2.3/. The same manifest gives
 * the same bytes.
 */
export function renderSpdx(manifest: ImageManifest): string {
  const contents = [...systemOf(manifest), ...packagesOf(componentsOf(manifest))]
  const missing = missingLists(manifest)
  const document = {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name: imageComponent(manifest).repository,
    // As the specification proposes (6.5.3): a name, and what makes it unique.
    documentNamespace: `https://spdx.org/spdxdocs/${manifest.name}-${documentId(manifest)}`,
    creationInfo: { created: documentTime(manifest.created), creators: [`Tool: ${toolName}`] },
    ...(missing.length > 0 && { comment: `Incomplete: ${missing.join("; ")}` }),
    packages: [imageOf(manifest), ...contents],
    relationships: [
      relation("SPDXRef-DOCUMENT", "DESCRIBES", imageId),
      ...contents.map(({ SPDXID }) => relation(imageId, "CONTAINS", SPDXID)),
    ],
  }
  return `${JSON.stringify(document, null, 1)}\n`
}

/** A package of the document (section 7). */
interface SpdxPackage {
  readonly SPDXID: string
  readonly [field: string]: unknown
}

function imageOf(manifest: ImageManifest): SpdxPackage {
  const { name, version, sha256, purl } = imageComponent(manifest)
  return {
    SPDXID: imageId,
    name,
    ...(version !== undefined && { versionInfo: version }),
    ...common("CONTAINER"),
    ...(sha256 !== undefined && { checksums: [{ algorithm: "SHA256", checksumValue: sha256 }] }),
    ...externalPurl(purl),
  }
}

function systemOf({ os }: ImageManifest): readonly SpdxPackage[] {
  if (os === undefined) return []
  return [
    {
      SPDXID: "SPDXRef-OperatingSystem",
      name: os.id,
      ...(os.version !== undefined && { versionInfo: os.version }),
      ...common("OPERATING-SYSTEM"),
      ...(os.name !== undefined && { summary: os.name }),
    },
  ]
}

function packagesOf(components: readonly Component[]): readonly SpdxPackage[] {
  return components.map(({ ecosystem, name, version, purl, license }, index) => ({
    // Unique by its number: names differ in what an identifier cannot hold.
    SPDXID: `SPDXRef-Package-${index + 1}-${ecosystem}-${name.replaceAll(/[^A-Za-z0-9.-]+/g, "-")}`,
    name,
    versionInfo: version,
    ...common("LIBRARY", license?.kind === "expression" ? license.expression : nothingSaid),
    ...(license?.kind === "words" && { licenseComments: `The package says: ${license.words}` }),
    ...externalPurl(purl),
  }))
}

function common(purpose: string, license = nothingSaid): Readonly<Record<string, unknown>> {
  return {
    primaryPackagePurpose: purpose,
    downloadLocation: nothingSaid,
    filesAnalyzed: false,
    licenseConcluded: nothingSaid,
    licenseDeclared: license,
    copyrightText: nothingSaid,
  }
}

function externalPurl(purl: string | undefined): Readonly<Record<string, unknown>> {
  if (purl === undefined) return {}
  const reference = { referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: purl }
  return { externalRefs: [reference] }
}

function relation(from: string, type: string, to: string): Readonly<Record<string, string>> {
  return { spdxElementId: from, relationshipType: type, relatedSpdxElement: to }
}
