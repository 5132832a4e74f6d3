import type { Directory, Secret } from "@dagger.io/dagger"
import type { WikiResult } from "../../tools/wiki/job.js"
import { InvalidImageManifest } from "../manifest/manifestData.js"
import { codeCell, table } from "../text/markdown.js"
import { InputError, atOption } from "../problems.js"
import { plural } from "../text/format.js"
import type { WikiChange } from "../wiki/change.js"
import { parsePublishedRun, publicationOf } from "../wiki/publication.js"
import type { ActionOutcome } from "./actionOutcome.js"
import type { ManifestArtifacts } from "./artifactManifests.js"
import { readArtifacts } from "./artifactManifests.js"
import { runWikiJob } from "../engine/wikiContainer.js"

/** What a caller asks. */
export interface PublishRequest {
  /** What `build-stack` left. */
  readonly artifacts: Directory
  /** URL of the wiki's git repository. */
  readonly wiki: string
  readonly wikiUsername?: string | undefined
  readonly wikiToken?: Secret | undefined
  readonly dryRun: boolean
  /** Publish pages of other branches than main, too. */
  readonly anyBranch: boolean
}

/**
 * Writes the manifest pages of a run, their data and a row of `Home.md` into the wiki, as one commit.
 * @throws InputError where the artifacts are not those of a run
 */
export async function publishManifests(request: PublishRequest): Promise<ActionOutcome> {
  const { manifests, report } = await readRun(request.artifacts)
  const run = report === undefined ? undefined : parsePublishedRun(report)
  if (run === undefined) {
    throw atArtifacts(
      "there is no report.json of build-stack",
      "give the folder that its artifacts were exported to",
    )
  }
  const publication = publicationOf(run, manifests, request.anyBranch)
  if (publication.kind === "change") return writePages(request, publication.change)
  const { kind, why } = publication
  const markdown =
    kind === "refused" ? `Refused, and nothing was written: ${why}.\n` : `Nothing to write: ${why}.\n`
  return { ok: kind === "nothing", report: { version: 1, kind, why }, markdown }
}

async function readRun(artifacts: Directory): Promise<ManifestArtifacts> {
  try {
    return await readArtifacts(artifacts)
  } catch (error) {
    if (error instanceof InvalidImageManifest)
      throw atArtifacts(error.message, "build again, or repair the file")
    throw error
  }
}

function atArtifacts(message: string, hint: string): InputError {
  return new InputError([{ location: atOption("--artifacts"), message, hint }])
}

async function writePages(
  { wiki, wikiUsername: username, wikiToken: token, dryRun }: PublishRequest,
  change: WikiChange,
): Promise<ActionOutcome> {
  const { result, written } = await runWikiJob(
    { url: wiki, username, token },
    { kind: "update", change },
    { dryRun },
  )
  return {
    ok: result.kind !== "failed",
    report: { version: 1, ...result },
    markdown: renderUpdate(result),
    folders: new Map([["wiki", written]]),
  }
}

function renderUpdate(result: WikiResult): string {
  switch (result.kind) {
    case "failed":
      return `Failed, and nothing was written: ${result.message}.\n`
    case "unchanged":
      return `Nothing to write: the wiki has these pages already.\n\n${pageTable(result.pages)}\n`
    case "dry-run":
      return `Would write ${plural(result.files.length, "file")}, as "${result.message}".\n\n${pageTable(result.pages)}\n`
    case "pushed": {
      const commit = result.commit.slice(0, 7)
      return `Wrote ${plural(result.files.length, "file")} as commit ${commit} "${result.message}".\n\n${pageTable(result.pages)}\n`
    }
    case "entries":
    case "checked":
      throw new Error(`the wiki tool answered another question: ${result.kind}`)
  }
}

function pageTable(pages: readonly { readonly reference: string; readonly page: string }[]): string {
  return table(
    ["Image", "Page"],
    pages.map(({ reference, page }) => [codeCell(reference), codeCell(page)]),
  )
}
