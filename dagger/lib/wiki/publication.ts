import * as z from "zod"
import { formatReference, parseReference } from "../reference/reference.js"
import type { ImageManifest } from "../manifest/manifestData.js"
import { usualMainBranch } from "../tag/branchTag.js"
import type { WikiChange } from "./change.js"

/** What of a run's report.json decides whether and how its pages are published. */
const runSchema = z.object({
  ok: z.boolean(),
  skippedByRequest: z.string().optional(),
  publish: z.boolean(),
  tag: z.string(),
  /** Milliseconds since 1970. */
  startedAt: z.number(),
  source: z.object({
    branch: z.string(),
    /** Absent where it is main. */
    mainBranch: z.string().optional(),
    commit: z.string().optional(),
    message: z.string().optional(),
    committedAt: z.string().optional(),
  }),
  images: z.array(
    z.object({
      name: z.string(),
      reference: z.string(),
      digest: z.string().optional(),
      published: z.boolean(),
    }),
  ),
})

/** A run that may have something for the wiki. */
export type PublishedRun = z.infer<typeof runSchema>

/** What a run has for the wiki, or why it has nothing. */
export type Publication =
  | { readonly kind: "change"; readonly change: WikiChange }
  /** Nothing is wrong, and nothing is to be done. */
  | { readonly kind: "nothing"; readonly why: string }
  | { readonly kind: "refused"; readonly why: string }

/** Reads the part of a report that matters here. @returns undefined for what is no report of a run */
export function parsePublishedRun(json: string): PublishedRun | undefined {
  try {
    return runSchema.safeParse(JSON.parse(json)).data
  } catch {
    return undefined
  }
}

/**
 * What a run has for the wiki: the manifests of everything that its tag names now.
 * @param manifests all of the run's artifacts
 * @param anyBranch whether other branches than main may have pages
 */
export function publicationOf(
  run: PublishedRun,
  manifests: readonly ImageManifest[],
  anyBranch: boolean,
): Publication {
  const { branch, commit: sha, message, committedAt: time } = run.source
  if (run.skippedByRequest !== undefined)
    return { kind: "nothing", why: `the run was skipped by request: ${run.skippedByRequest}` }
  if (!run.ok)
    return { kind: "refused", why: "the run failed: its pages would tell of images that are not there" }
  if (!run.publish)
    return {
      kind: "refused",
      why: "the run published no image: build with --publish, for pages to tell of something",
    }
  const mainBranch = run.source.mainBranch ?? usualMainBranch
  if (branch !== mainBranch && !anyBranch) {
    const why = `the run is of the branch "${branch}": pages of other branches than ${mainBranch} are published with --any-branch`
    return { kind: "refused", why }
  }
  const wanted = run.images.filter(({ published }) => published)
  if (wanted.length === 0) return { kind: "nothing", why: "the run had no image to publish" }
  const found = wanted.map((image) => manifests.find((manifest) => isOf(manifest, image)))
  const missing = wanted.filter((_, index) => found[index] === undefined)
  if (missing.length > 0) {
    const names = missing.map(({ reference }) => reference).join(", ")
    return { kind: "refused", why: `the artifacts have no manifest of ${names}: they are not complete` }
  }
  const commit =
    sha === undefined
      ? undefined
      : { sha, ...(message !== undefined && { message }), ...(time !== undefined && { time }) }
  const change: WikiChange = {
    kind: "publish",
    at: new Date(run.startedAt).toISOString(),
    ...(commit !== undefined && { commit }),
    manifests: found.filter((manifest) => manifest !== undefined),
  }
  return { kind: "change", change }
}

/**
 * The manifests that a run wrote, of all in the folder that it was exported to. An export leaves the files of earlier
 * runs where they are: of images that the spec had then, of other tags, and of builds that failed this time. What has
 * no digest is told from an earlier run's by its time.
 */
export function manifestsOfRun(
  run: PublishedRun,
  manifests: readonly ImageManifest[],
): readonly ImageManifest[] {
  return manifests.filter((manifest) => {
    if (!run.images.some((image) => isOf(manifest, image))) return false
    return manifest.digest !== undefined || Date.parse(manifest.created) === run.startedAt
  })
}

function isOf(manifest: ImageManifest, image: PublishedRun["images"][number]): boolean {
  return sameName(manifest.reference, image.reference) && manifest.digest === image.digest
}

function sameName(a: string, b: string): boolean {
  return formatReference(parseReference(a)) === formatReference(parseReference(b))
}
