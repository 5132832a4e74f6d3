import { mkdtemp, readdir, readFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { basename, dirname, join } from "node:path"
import type { Directory } from "@dagger.io/dagger"
import { completed } from "../manifest/knownImage.js"
import type { ImageManifest } from "../manifest/manifestData.js"
import { parseManifest } from "../manifest/manifestData.js"

/** What a run's artifacts have for pages. */
export interface ManifestArtifacts {
  /** By the names of their files. */
  readonly manifests: readonly ImageManifest[]
  /** Text of report.json, where there is one. */
  readonly report?: string
}

/**
 * Reads manifests and report out of the artifacts of `build-stack`. Folders in them may hold the artifacts of runs that
 * built single images: they complete what is known of the same digests.
 * @throws InvalidImageManifest
 */
export async function readArtifacts(artifacts: Directory): Promise<ManifestArtifacts> {
  const folder = await mkdtemp(join(tmpdir(), "artifacts-"))
  await artifacts.filter({ include: ["report.json", "**/manifests/*.json"] }).export(folder)
  const paths = (await readdir(folder, { recursive: true })).filter((path) => path.endsWith(".json"))
  const read = (found: readonly string[]) =>
    Promise.all(found.map(async (path) => parseManifest(await readFile(join(folder, path), "utf8"), path)))
  const isOwn = (path: string) => dirname(path) === "manifests"
  const manifests = await read(paths.filter(isOwn).sort())
  const others = await read(paths.filter((path) => basename(dirname(path)) === "manifests" && !isOwn(path)))
  const report = await readFile(join(folder, "report.json"), "utf8").catch(() => undefined)
  return { manifests: completed(manifests, others), ...(report !== undefined && { report }) }
}
