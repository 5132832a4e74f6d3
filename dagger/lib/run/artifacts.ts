import { Directory } from "@dagger.io/dagger"
import { renderAnnotations } from "../report/annotations.js"
import { renderImageYaml } from "../report/imageYaml.js"
import { renderMarkdown } from "../report/markdown.js"
import type { ImageReport, StackReport } from "../report/report.js"
import { isOk } from "../report/report.js"
import { renderSummary } from "../report/summary.js"
import { renderJunit } from "../testing/junit.js"
import type { EndedImage } from "./execution.js"
import { jobFile, jobLabel } from "./execution.js"
import { directoryOf } from "../engine/textFiles.js"

/** Files of a run by path in the artifacts. */
export type ArtifactTexts = ReadonlyMap<string, string>

/** Everything that a run leaves behind, of failed images too, as one directory. */
export async function artifactsOf(
  report: StackReport,
  images: readonly EndedImage[],
  more: ArtifactTexts,
): Promise<Directory> {
  const texts = new Map([
    ["report.json", `${JSON.stringify({ ok: isOk(report), ...report }, null, 2)}\n`],
    ["report.md", renderMarkdown(report)],
    ["summary.txt", renderSummary(report)],
    ["annotations.txt", renderAnnotations(report)],
    ...more,
    ...report.images.map((image) => [`artifacts/${image.name}.yaml`, renderImageYaml(image)] as const),
    ...images.flatMap(logsOf),
    ...images.flatMap(junitOf),
  ])
  const written = await directoryOf(texts)
  // Folders are there even where nothing is in them, so that scripts need not ask.
  let directory = written.withNewDirectory("junit").withNewDirectory("logs").withNewDirectory("manifests")
  for (const { job, record } of images.flatMap(eachPlatform)) {
    for (const { kind, files } of record.suites) {
      if (files !== undefined)
        directory = directory.withDirectory(`screenshots/${jobFile(job)}/${kind}`, files)
    }
  }
  return directory
}

/** Paths of an image's logs in the artifacts. */
export function logPaths(image: EndedImage): ImageReport["logs"] {
  return logsOf(image).map(([path]) => path)
}

/** What has logs and results: an image, or what it is on each of several platforms. */
function eachPlatform(image: EndedImage): readonly EndedImage[] {
  return image.platforms?.map((each) => each.image) ?? [image]
}

function logsOf(image: EndedImage): readonly (readonly [string, string])[] {
  return eachPlatform(image).flatMap(ownLogs)
}

function ownLogs({ job, record }: EndedImage): readonly (readonly [string, string])[] {
  const file = jobFile(job)
  const own = [`logs/${file}.log`, record.text()] as const
  const tests = record.suites.flatMap(({ kind, log, serverLog }) => [
    [`logs/${file}.${kind}-tests.log`, log] as const,
    ...(serverLog === undefined ? [] : [[`logs/${file}.server.log`, serverLog] as const]),
  ])
  return [own, ...tests]
}

/** JUnit files of an image, by path in the artifacts. */
export function junitOf(image: EndedImage): readonly (readonly [string, string])[] {
  return eachPlatform(image).flatMap(({ job, record }) =>
    record.suites.map(
      ({ kind, run }) => [`junit/${jobFile(job)}.${kind}.xml`, renderJunit(jobLabel(job), run)] as const,
    ),
  )
}
