import type { ScannedImage, VulnerabilityScan } from "../../dagger/lib/vulnerability/gate.js"
import type { Finding, FoundPackage } from "../../dagger/lib/vulnerability/grypeReport.js"
import type { VulnerabilityPolicy, WrittenException } from "../../dagger/lib/vulnerability/policy.js"
import { digestOf } from "./manifests.js"

/** The day on which tests judge. */
export const today = new Date("2026-11-20T12:00:00Z")

/** What may be other than usual in a finding. */
export interface FindingChanges extends Partial<Omit<Finding, "package">> {
  readonly package?: Partial<FoundPackage>
}

/** A high vulnerability of libc6, which Debian has fixed. */
export function findingOf({ package: found, ...changes }: FindingChanges = {}): Finding {
  return {
    id: "CVE-2026-1001",
    aliases: [],
    severity: "high",
    fix: { state: "fixed", versions: ["2.36-9+deb12u10"] },
    ...changes,
    package: {
      name: "libc6",
      version: "2.36-9",
      type: "deb",
      purl: "pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12&upstream=glibc",
      sources: ["glibc"],
      ...found,
    },
  }
}

/** A critical vulnerability of a Python package. */
export function pythonFinding(changes: FindingChanges = {}): Finding {
  return findingOf({
    id: "GHSA-aaaa-bbbb-cccc",
    aliases: ["CVE-2026-1004"],
    severity: "critical",
    fix: { state: "fixed", versions: ["6.5.3"] },
    ...changes,
    package: {
      ...{ name: "tornado", version: "6.4", type: "python", purl: "pkg:pypi/tornado@6.4", sources: [] },
      ...changes.package,
    },
  })
}

/** An image with these. */
export function scannedOf(
  name: string,
  findings: readonly Finding[],
  more: Partial<ScannedImage> = {},
): ScannedImage {
  const purl = `pkg:oci/${name}@${encodeURIComponent(digestOf("a"))}?repository_url=ghcr.io%2Fexample%2F${name}&tag=2026.4-main`
  const reference = `ghcr.io/example/${name}:2026.4-main`
  return { name, reference, purl, packages: 10, missing: [], findings, pins: new Map(), ...more }
}

/** A scan by a database of the day before. */
export function scanOf(...images: readonly ScannedImage[]): VulnerabilityScan {
  return { images, scanner: "grype 0.121.2", databaseBuilt: "2026-11-19T00:00:00.000Z" }
}

/** High and above fail. */
export function policyOf(changes: Partial<VulnerabilityPolicy> = {}): VulnerabilityPolicy {
  return { failOn: "high", onlyFixed: false, databaseDays: 5, exceptions: [], vex: [], ...changes }
}

/** An exception of line 7 of spec.yml, for glibc's. */
export function writtenException(changes: Partial<WrittenException> = {}): WrittenException {
  return {
    id: "CVE-2026-1001",
    package: "pkg:deb/debian/libc6",
    reason: "not reached",
    expires: "2026-12-31",
    location: { file: "spec.yml", line: 7, column: 5 },
    ...changes,
  }
}
