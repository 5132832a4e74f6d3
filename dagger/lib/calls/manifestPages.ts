import { existsSync } from "node:fs"
import { mkdtemp, readdir, readFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, relative } from "node:path"
import type { Directory, Secret } from "@dagger.io/dagger"
import type { CheckedPair, WikiChange } from "../wiki/change.js"
import type { PageCheck } from "../wiki/pageCheck.js"
import { checkPages } from "../wiki/pageCheck.js"
import { updateWiki } from "../wiki/update.js"
import { WikiDraft, wikiFilesOf } from "../wiki/wikiFiles.js"
import { WikiProblem } from "../wiki/wikiIndex.js"
import { readArtifacts } from "./artifactManifests.js"
import { requireNamed } from "../gather/secretHosts.js"
import { runWiki } from "../engine/wikiContainer.js"

/** What came of a change to the pages. */
export interface PageResult {
  readonly ok: boolean
  /** In a sentence. */
  readonly message: string
  /** Pages to keep among the artifacts, by path: those that are in no wiki. */
  readonly files: ReadonlyMap<string, string>
}

/** Where manifest pages are kept. */
export interface ManifestPages {
  /** What the pages tell before images are promoted. */
  check(images: readonly CheckedPair[]): Promise<PageCheck>
  /** Carries out a change. */
  apply(change: WikiChange): Promise<PageResult>
}

/** How a caller names the place of the pages. */
export interface PagesOfCall {
  /** URL of the wiki; the spec's where not given. */
  readonly wiki?: string | undefined
  readonly wikiUsername?: string | undefined
  readonly wikiToken?: Secret | undefined
  /** Artifacts of the run that built the images, or of an earlier promotion, instead of a wiki. */
  readonly artifacts?: Directory | undefined
}

/**
 * The pages of a wiki if one is named, else those of artifacts, else the spec's wiki; else nobody knows of any.
 * @throws InputError where a token is given, and the wiki only by the spec
 */
export function openPages(call: PagesOfCall, specWiki: string | undefined): ManifestPages {
  requireNamed([{ option: "--wiki-token", secret: call.wikiToken, namedBy: { "--wiki": call.wiki } }])
  if (call.wiki === undefined && call.artifacts !== undefined) return new ArtifactPages(call.artifacts)
  const url = call.wiki ?? specWiki
  if (url === undefined) return noPages
  return new WikiPages({ url, username: call.wikiUsername, token: call.wikiToken })
}

const noPages: ManifestPages = {
  check: () =>
    Promise.resolve({
      problems: ["neither a wiki nor artifacts are given, so nobody can say that there are manifest pages"],
    }),
  apply: () =>
    Promise.resolve({ ok: true, message: "no wiki is given: no page was written", files: new Map() }),
}

/** Pages of a wiki's repository; every write goes through the wiki tool. */
class WikiPages implements ManifestPages {
  constructor(private readonly access: Parameters<typeof runWiki>[0]) {}

  async check(images: readonly CheckedPair[]): Promise<PageCheck> {
    const result = await runWiki(this.access, { kind: "check", images: [...images] })
    if (result.kind === "checked") return result
    const problem =
      result.kind === "failed" ? `the wiki could not be asked: ${result.message}` : "the wiki gave no answer"
    return { problems: [problem] }
  }

  async apply(change: WikiChange): Promise<PageResult> {
    const result = await runWiki(this.access, { kind: "update", change })
    if (result.kind === "failed") {
      return { ok: false, message: `the wiki was not updated: ${result.message}`, files: new Map() }
    }
    const message =
      result.kind === "pushed" ? `the wiki has commit ${result.commit}` : "the wiki was up to date"
    return { ok: true, message, files: new Map() }
  }
}

/** Pages out of a run's artifacts: read from its manifests, written to the artifacts of the promotion. */
class ArtifactPages implements ManifestPages {
  private files: Promise<WikiDraft> | undefined

  constructor(private readonly artifacts: Directory) {}

  async check(images: readonly CheckedPair[]): Promise<PageCheck> {
    return checkPages(await this.open(), images)
  }

  async apply(change: WikiChange): Promise<PageResult> {
    try {
      const { files } = updateWiki(await this.open(), change)
      const written = new Map([...files].map(([path, text]) => [`wiki/${path}`, text]))
      return { ok: true, message: "no wiki is given: the pages are among the artifacts", files: written }
    } catch (error) {
      if (!(error instanceof WikiProblem)) throw error
      return { ok: false, message: error.message, files: new Map() }
    }
  }

  private open(): Promise<WikiDraft> {
    this.files ??= readPages(this.artifacts)
    return this.files
  }
}

/**
 * What a wiki would have after the run's manifests were published, on top of the pages that a promotion left among the
 * artifacts.
 * @throws InvalidImageManifest
 */
async function readPages(artifacts: Directory): Promise<WikiDraft> {
  const folder = await mkdtemp(join(tmpdir(), "artifacts-"))
  await artifacts.filter({ include: ["wiki/**"] }).export(folder)
  const draft = new WikiDraft(wikiFilesOf(await textsBelow(join(folder, "wiki"))))
  const { manifests } = await readArtifacts(artifacts)
  const [first] = manifests
  if (first === undefined) return draft
  const { files } = updateWiki(draft, { kind: "publish", at: first.created, manifests: [...manifests] })
  for (const [path, text] of files) draft.write(path, text)
  return draft
}

/** Every file below a folder by its path from there; none where there is no such folder. */
async function textsBelow(folder: string): Promise<ReadonlyMap<string, string>> {
  if (!existsSync(folder)) return new Map()
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const texts = paths.map(async (path) => [relative(folder, path), await readFile(path, "utf8")] as const)
  return new Map(await Promise.all(texts))
}
