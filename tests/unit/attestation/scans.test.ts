import { afterAll, describe, expect, it } from "vitest"
import { openVerifier } from "../../../dagger/lib/attestation/verifyBundle.js"
import { signScan } from "../../../dagger/lib/calls/signScan.js"
import type { PlatformManifest } from "../../../dagger/lib/manifest/platformManifests.js"
import { manifestsByPlatform } from "../../../dagger/lib/manifest/platformManifests.js"
import { evidenceCheck } from "../../../dagger/lib/promote/evidence.js"
import type { Repository } from "../../../dagger/lib/reference/reference.js"
import { loadSpec } from "../../../dagger/lib/spec/loadSpec.js"
import { attachStatements, claimsFor, newKey, statementOf, trusting } from "../../support/evidenceWorld.js"
import { twoPlatforms } from "../../support/manifests.js"
import { startRegistry } from "../../support/registry.js"
import { clientOf } from "../../support/registryClient.js"
import type { JoinedImage } from "../../support/registryIndexes.js"
import { amd, arm, pushJoined } from "../../support/registryIndexes.js"
import { stackOf } from "../../support/source.js"
import { findingOf, policyOf, scannedOf, scanOf } from "../../support/vulnerabilities.js"

// Scans for vulnerabilities of an image of two platforms: about which digests they are signed, and which a promotion asks for.

const registry = await startRegistry()
const { client } = clientOf(registry)
const trusted = newKey()
const trust = { signers: [trusting(trusted)] }
const believer = { trust, verify: await openVerifier(trust) }
const now = Date.parse("2026-11-25T00:00:00Z")
const week = 7 * 24 * 3600
let count = 0

afterAll(() => registry.stop())

interface Published extends JoinedImage {
  readonly repository: Repository
  readonly parts: readonly PlatformManifest[]
  /** Reference of the index. */
  readonly reference: string
}

/** A new image of two platforms, with what its page tells of it. */
async function published(): Promise<Published> {
  count += 1
  const repository = { registry: registry.host, path: `org${count}/base` }
  const contents = [`amd ${count}`, `arm ${count}`] as const
  const joined = await pushJoined(registry, client, repository, "2026.4-main", {
    contents,
    commits: ["a", "a"],
    commit: "a",
  })
  const reference = `${registry.host}/org${count}/base:2026.4-main`
  const manifest = twoPlatforms({ apt: "bash 1" }, { apt: "bash 1" }, { reference, digest: joined.digest })
  const platforms = manifest.platforms?.map((each) => ({
    ...each,
    digest: each.platform === amd ? joined.amd64 : joined.arm64,
  }))
  return { ...joined, repository, reference, parts: manifestsByPlatform({ ...manifest, platforms }) }
}

/** Signs a scan of these, in which the image for arm64 is vulnerable. */
function signed({ repository }: Published, parts: readonly PlatformManifest[]) {
  const images = parts.map(({ platform, manifest }) =>
    scannedOf(`base (${platform ?? ""})`, manifest.platform === arm ? [findingOf()] : []),
  )
  const organisation = `${registry.host}/${repository.path.split("/")[0] ?? ""}`
  return signScan(parts, {
    scan: scanOf(...images),
    tools: { policy: policyOf({ databaseDays: 30 }), exceptions: [] } as unknown as Parameters<
      typeof signScan
    >[1]["tools"],
    times: { startedAt: now - 2000, endedAt: now },
    signer: trusted.signer,
    request: { registry: organisation } as Parameters<typeof signScan>[1]["request"],
    source: { spec: loadSpec(stackOf({ base: {} }, { spec: { platforms: [amd, arm] } })) },
  })
}

/** Verdicts of the scans that are attached to a digest. */
async function verdictsOf({ repository }: Published, digest: string): Promise<readonly unknown[]> {
  const { claims } = await claimsFor(client, { ...repository, digest }, trust.signers)
  return claims.map(({ statement }) => statement?.predicate.verdict)
}

describe("scan signs", () => {
  it("what it says of each platform about the digest of that one, and nothing about the index", async () => {
    const image = await published()
    const { ok, notices } = await signed(image, image.parts)
    expect(ok).toBe(true)
    expect(notices.join()).toContain("base (linux/amd64) and base (linux/arm64)")
    expect(await verdictsOf(image, image.amd64)).toEqual(["PASSED"])
    expect(await verdictsOf(image, image.arm64)).toEqual(["FAILED"])
    expect(await verdictsOf(image, image.digest)).toEqual([])
  })

  it("of an index that was looked into for one platform about that one", async () => {
    const image = await published()
    const [part] = image.parts
    if (part === undefined) throw new Error("there are two")
    const alone = { isShown: true, manifest: { ...part.manifest, digest: image.digest } }
    expect(await signed(image, [alone])).toMatchObject({ ok: true })
    expect(await verdictsOf(image, image.amd64)).toEqual(["PASSED"])
    expect(await verdictsOf(image, image.digest)).toEqual([])

    const odd = { ...alone, manifest: { ...alone.manifest, platform: "linux/riscv64" } }
    const { ok, notices } = await signed(image, [odd])
    expect(ok).toBe(false)
    expect(notices.join()).toContain("its index lists nothing for linux/riscv64")
  })
})

describe("a promotion of an index asks for a scan of each image that it lists", () => {
  /** A scan about a digest: when it ended, its verdict, and of an index which platform it was of. */
  type Scan = readonly [of: keyof JoinedImage, ended: string, verdict: "PASSED" | "FAILED", platform?: string]

  async function missing(scans: readonly Scan[], maxAge: number | undefined = week) {
    const image = await published()
    const { repository } = image
    const about = (of: keyof JoinedImage) => ({ ...repository, digest: image[of] })
    const statements = [statementOf("provenance", about("digest")), statementOf("tests", about("digest"))]
    await attachStatements(client, about("digest"), trusted.signer, statements)
    for (const [of, ended, verdict, platform] of scans) {
      const predicate = { verdict, metadata: { scanFinishedOn: ended }, ...(platform && { platform }) }
      const statement = statementOf("vulnerabilities", about(of), predicate)
      await attachStatements(client, about(of), trusted.signer, [statement])
    }
    const terms = { store: client, believer, vulnerabilitiesMaxAgeSeconds: maxAge, now: () => now }
    const check = evidenceCheck(terms)
    const found = await check.check([{ name: "base", repository, digest: image.digest }], {
      from: "2026.4-main",
      to: "2026.4-stable",
    })
    return found.map((why) => /statement of vulnerabilities: (.*); get it/.exec(why)?.[1] ?? why)
  }

  const nobody = "no trusted statement tells that its scan for vulnerabilities passed"
  const young = "2026-11-24T00:00:00Z"

  it.each<readonly [string, readonly Scan[], readonly string[]]>([
    ["nobody has scanned it", [], [`${amd}: ${nobody}`, `${arm}: ${nobody}`]],
    [
      "each was scanned by itself",
      [
        ["amd64", young, "PASSED"],
        ["arm64", young, "PASSED"],
      ],
      [],
    ],
    ["a run has scanned all", [["digest", young, "PASSED"]], []],
    ["one was scanned", [["amd64", young, "PASSED"]], [`${arm}: ${nobody}`]],
    [
      "an earlier version has signed the first at the index",
      [["digest", young, "PASSED", amd]],
      [`${arm}: ${nobody}`],
    ],
    [
      "one was scanned again and failed",
      [
        ["digest", "2026-11-23T00:00:00Z", "PASSED"],
        ["arm64", young, "FAILED"],
      ],
      [`${arm}: its scan for vulnerabilities of 2026-11-24T00:00:00.000Z failed`],
    ],
    [
      "one was scanned again and passes now",
      [
        ["digest", "2026-11-23T00:00:00Z", "FAILED"],
        ["arm64", young, "PASSED"],
        ["amd64", young, "PASSED"],
      ],
      [],
    ],
    [
      "the scan of one is too old",
      [
        ["amd64", young, "PASSED"],
        ["arm64", "2026-11-01T00:00:00Z", "PASSED"],
      ],
      [
        `${arm}: its scan for vulnerabilities is of 2026-11-01T00:00:00.000Z, older than the spec accepts (vulnerabilities_max_age)`,
      ],
    ],
  ])("%s", async (_, scans, why) => {
    expect(await missing(scans)).toEqual(why)
  })

  it("and asks for nothing about its images where the spec wants no scan", async () => {
    const before = registry.accessLog().length
    const terms = { store: client, believer, now: () => now }
    const image = await published()
    const from = registry.accessLog().length
    expect(from).toBeGreaterThan(before)
    const pair = { from: "2026.4-main", to: "2026.4-stable" }
    await evidenceCheck(terms).check([{ name: "base", ...image }], pair)
    const paths = registry
      .accessLog()
      .slice(from)
      .map(({ path }) => path)
    expect(paths.some((path) => path.includes(image.arm64.replace("sha256:", "")))).toBe(false)
  })
})
