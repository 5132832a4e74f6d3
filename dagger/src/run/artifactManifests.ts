import { mkdtemp, readdir, readFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Directory } from "@dagger.io/dagger"
import type { ImageManifest } from "../manifest/manifestData.js"
import { parseManifest } from "../manifest/manifestData.js"

/** What a run's artifacts have for pages. */
export interface ManifestArtifacts {
  /** By the names of their files. */
  readonly manifests: readonly ImageManifest[]
  /** Text of report.json, where there is one. */
  readonly report?: string
}

/** Reads manifests and report out of the artifacts of `build-stack`. @throws InvalidImageManifest */
export async function readArtifacts(artifacts: Directory): Promise<ManifestArtifacts> {
  const folder = await mkdtemp(join(tmpdir(), "artifacts-"))
  await artifacts.filter({ include: ["report.json", "manifests/*.json"] }).export(folder)
  const names = await readdir(join(folder, "manifests")).catch(() => [])
  const manifests = await Promise.all(
    names.sort().map(async (name) => {
      return parseManifest(await readFile(join(folder, "manifests", name), "utf8"), `manifests/${name}`)
    }),
  )
  const report = await readFile(join(folder, "report.json"), "utf8").catch(() => undefined)
  return { manifests, ...(report !== undefined && { report }) }
}
