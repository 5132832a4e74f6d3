import type { ImageManifest } from "../manifest/manifestData.js"
import type { Component, License } from "./components.js"
import { componentsOf, imageComponent, missingLists } from "./components.js"
import { documentId, documentTime, toolName } from "./identity.js"

const imageRef = "image"

/**
 * An image's packages as a CycloneDX 1.6 document in JSON: https://cyclonedx.org/docs/1.6/json/. The same manifest gives
 * the same bytes.
 */
export function renderCycloneDx(manifest: ImageManifest): string {
  const missing = missingLists(manifest)
  const document = {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${documentId(manifest)}`,
    version: 1,
    metadata: {
      timestamp: documentTime(manifest.created),
      tools: { components: [{ type: "application", name: toolName }] },
      component: imageOf(manifest),
    },
    components: [...systemOf(manifest), ...componentsOf(manifest).map(libraryOf)],
    // Known and unknown parts: https://cyclonedx.org/docs/1.6/json/#compositions
    compositions: [{ aggregate: missing.length > 0 ? "incomplete" : "unknown", assemblies: [imageRef] }],
    properties:
      missing.length === 0
        ? undefined
        : missing.map((why) => ({ name: `${toolName}:incomplete`, value: why })),
  }
  // What is undefined is left out.
  return `${JSON.stringify(document, null, 1)}\n`
}

function imageOf(manifest: ImageManifest): object {
  const { name, version, sha256: content, purl } = imageComponent(manifest)
  return {
    type: "container",
    "bom-ref": imageRef,
    name,
    version,
    hashes: content === undefined ? undefined : [{ alg: "SHA-256", content }],
    purl,
  }
}

function systemOf({ os }: ImageManifest): readonly object[] {
  if (os === undefined) return []
  const { id: name, version, name: description } = os
  return [{ type: "operating-system", "bom-ref": "os", name, version, description }]
}

function libraryOf({ ecosystem, name, version, purl, license }: Component, index: number): object {
  return {
    type: "library",
    "bom-ref": `${index + 1}-${ecosystem}`,
    name,
    version,
    licenses: license === undefined ? undefined : [licenseChoice(license)],
    purl,
  }
}

function licenseChoice(license: License): object {
  return license.kind === "expression"
    ? { expression: license.expression }
    : { license: { name: license.words } }
}
