import { mkdtemp, readdir, readFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { basename, dirname, join } from "node:path"
import type { Directory } from "@dagger.io/dagger"
import { completed } from "../manifest/knownImage.js"
import type { ImageManifest } from "../manifest/manifestData.js"
import { parseManifest } from "../manifest/manifestData.js"
import { manifestsOfRun, parsePublishedRun } from "../wiki/publication.js"

/** What a run's artifacts have for pages. */
export interface ManifestArtifacts {
  /** By the names of their files. */
  readonly manifests: readonly ImageManifest[]
  /** Text of report.json, where there is one. */
  readonly report?: string | undefined
}

/**
 * Reads manifests and report out of the artifacts of `build-stack`. Folders in them may hold the artifacts of runs that
 * built single images: they complete what is known of the same digests.
 * @throws InvalidImageManifest
 */
export async function readArtifacts(artifacts: Directory): Promise<ManifestArtifacts> {
  const folder = await mkdtemp(join(tmpdir(), "artifacts-"))
  await artifacts.filter({ include: ["**/report.json", "**/manifests/*.json"] }).export(folder)
  return readExported(folder)
}

/**
 * The same of a folder on disk.
 * @throws InvalidImageManifest
 */
export async function readExported(folder: string): Promise<ManifestArtifacts> {
  const files = (await readdir(folder, { recursive: true })).sort()
  const paths = files.filter((path) => path.endsWith(".json") && basename(dirname(path)) === "manifests")
  const inside = [...new Set(paths.map(runOf))].filter((run) => run !== ".")
  const own = await readRun(folder, ".", paths)
  const others = await Promise.all(inside.map((run) => readRun(folder, run, paths)))
  const report = await reportIn(folder)
  return { manifests: completed(own, others.flat()), report }
}

/** What a run wrote, of the manifests in its folder; all of them where no report tells. */
async function readRun(
  folder: string,
  run: string,
  paths: readonly string[],
): Promise<readonly ImageManifest[]> {
  const read = paths
    .filter((path) => runOf(path) === run)
    .map(async (path) => parseManifest(await readFile(join(folder, path), "utf8"), path))
  const manifests = await Promise.all(read)
  const report = parsePublishedRun((await reportIn(join(folder, run))) ?? "")
  return report === undefined ? manifests : manifestsOfRun(report, manifests)
}

/** The folder that a manifest's run was exported to. */
function runOf(path: string): string {
  return dirname(dirname(path))
}

async function reportIn(folder: string): Promise<string | undefined> {
  return readFile(join(folder, "report.json"), "utf8").catch(() => undefined)
}
