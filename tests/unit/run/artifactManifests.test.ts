import { mkdir, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { afterAll, expect, test } from "vitest"
import type { ImageManifest } from "../../../dagger/lib/manifest/manifestData.js"
import { formatManifest } from "../../../dagger/lib/manifest/manifestData.js"
import { manifestsByPlatform } from "../../../dagger/lib/manifest/platformManifests.js"
import { readExported } from "../../../dagger/lib/calls/artifactManifests.js"
import { removeTemporaryFolders, temporaryFolder } from "../../support/gitRepo.js"
import { digestOf, manifestOf, twoPlatforms } from "../../support/manifests.js"

afterAll(removeTemporaryFolders)

const startedAt = Date.UTC(2026, 9, 1, 12, 0, 5, 250)
const now = { created: "2026-10-01T12:00:05.250Z" }
const bare = { sections: [], packages: {} }

/** report.json of a run that had these images, each with its digest, if it has one. */
function reportOf(images: Readonly<Record<string, string | undefined>>): string {
  return JSON.stringify({
    ok: true,
    publish: true,
    tag: "2026.4-main",
    startedAt,
    source: { branch: "main" },
    images: Object.entries(images).map(([name, digest]) => {
      return { name, reference: `ghcr.io/example/${name}:2026.4-main`, digest, published: true }
    }),
  })
}

/** Names and tags of the manifests that are read out of a folder with these files. */
async function read(
  files: Readonly<Record<string, string | ImageManifest>>,
): Promise<readonly ImageManifest[]> {
  const folder = await temporaryFolder()
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), typeof content === "string" ? content : formatManifest(content))
  }
  return (await readExported(folder)).manifests
}

test("without report.json: every manifest of the folder", async () => {
  const manifests = await read({ "manifests/a.json": manifestOf("a"), "manifests/b.json": manifestOf("b") })
  expect(manifests.map(({ name }) => name)).toEqual(["a", "b"])
})

test("only what the run of report.json wrote, where earlier runs were exported to the same folder", async () => {
  const unpublished = manifestOf("local", "2026.4-main", now)
  delete unpublished.digest
  const earlier = { ...unpublished, name: "failed", reference: "ghcr.io/example/failed:2026.4-main" }
  const manifests = await read({
    "report.json": reportOf({
      base: digestOf("a"),
      local: undefined,
      failed: undefined,
      refused: undefined,
      changed: digestOf("c"),
    }),
    "manifests/base.json": manifestOf("base"),
    "manifests/other-tag.json": manifestOf("base", "2026.4-topic"),
    "manifests/removed.json": manifestOf("removed"),
    "manifests/local.json": unpublished,
    "manifests/failed.json": { ...earlier, created: "2026-10-01T11:00:00Z" },
    "manifests/refused.json": manifestOf("refused"),
    "manifests/changed.json": manifestOf("changed"),
  })
  expect(manifests.map(({ reference }) => reference)).toEqual([
    "ghcr.io/example/base:2026.4-main",
    "ghcr.io/example/local:2026.4-main",
  ])
})

test("folders of single images complete only what their own run wrote", async () => {
  const digests = { own: digestOf("a"), plain: digestOf("b"), stale: digestOf("c") }
  const full = (name: keyof typeof digests) => manifestOf(name, "2026.4-main", { digest: digests[name] })
  const manifests = await read({
    "report.json": reportOf(digests),
    "manifests/own.json": { ...full("own"), ...bare },
    "manifests/plain.json": { ...full("plain"), ...bare },
    "manifests/stale.json": { ...full("stale"), ...bare },
    "images/own/report.json": reportOf({ own: digests.own }),
    "images/own/manifests/own.json": full("own"),
    "images/own/manifests/stale.json": full("stale"),
    "plain/manifests/plain.json": full("plain"),
  })
  expect(manifests.map(({ name, sections }) => [name, sections.length])).toEqual([
    ["own", 1],
    ["plain", 1],
    ["stale", 0],
  ])
})

test("a run that joined what each platform's run has built has the packages of each, by digest", async () => {
  const both = twoPlatforms({ apt: "bash 5.2" }, { apt: "bash 5.2, arm-only 1" })
  const [amd, arm] = manifestsByPlatform(both).map(({ manifest }) => manifest)
  if (amd === undefined || arm === undefined) throw new Error("there are two")
  const bareParts = both.platforms?.map(({ platform, digest, size }) => ({ platform, digest, size }))
  const [whole, ...others] = await read({
    "report.json": reportOf({ base: both.digest }),
    "manifests/base.json": { ...both, ...bare, platforms: bareParts },
    "platforms/amd64/report.json": reportOf({ base: amd.digest }),
    "platforms/amd64/manifests/base.json": amd,
    "platforms/arm64/report.json": reportOf({ base: arm.digest }),
    "platforms/arm64/manifests/base.json": arm,
  })
  expect(others).toEqual([])
  expect(whole?.packages).toEqual(amd.packages)
  expect(whole?.platforms?.map(({ packages }) => packages)).toEqual([undefined, arm.packages])
})

test("a report of another action says nothing of manifests", async () => {
  const report = JSON.stringify({ ok: true, version: 1, kind: "compared", images: [] })
  const manifests = await read({ "report.json": report, "manifests/a.json": manifestOf("a") })
  expect(manifests).toHaveLength(1)
})
