import * as z from "zod"
import { packageUpdateSchema } from "../updates/packageUpdates.js"

/**
 * The plan as a document: printed by `plan`, carried out by `buildStack`, and read back to repeat a run.
 * Version 1; a field may be added, none changes its meaning.
 */

const boundedFiles = z.object({
  files: z.array(
    z.object({ path: z.string(), status: z.enum(["added", "modified", "deleted"]), committed: z.boolean() }),
  ),
  /** How many more there are: lists are bounded. */
  more: z.number().int().nonnegative(),
})

/** Of a published image that was asked for updates of its packages. */
const askedImage = {
  tag: z.string(),
  digest: z.string(),
  /** Of its packages; absent where its labels do not tell. */
  days: z.number().int().optional(),
  /** Days, from the spec. */
  maxAge: z.number().int(),
  /** Updates that it had already when it was built anew for them: a build does not bring them. */
  left: z.array(packageUpdateSchema),
}

/** Why an image gets its action. `reasons.ts` has the sentences. */
const reasonSchema = z.discriminatedUnion("kind", [
  /** The commit message or the pull request's title says "skip ci". */
  z.object({ kind: z.literal("skip-requested"), where: z.string() }),
  /** The call is about this image alone; `reference` as the call names a published one. */
  z.object({ kind: z.literal("asked-for"), reference: z.string().optional() }),
  /** `--only` names other images. */
  z.object({ kind: z.literal("not-selected") }),
  /** Not named by `--only`, but one that is named is built on it. */
  z.object({ kind: z.literal("needed-by"), images: z.array(z.string()) }),
  z.object({ kind: z.literal("full-rebuild-option") }),
  z.object({ kind: z.literal("full-rebuild-message"), where: z.string() }),
  /** Everything on main is built: its images may go to production. */
  z.object({ kind: z.literal("main"), branch: z.string() }),
  z.object({ kind: z.literal("build-all-file"), ...boundedFiles.shape }),
  /** What forces a rebuild was done already, for this very commit. */
  z.object({ kind: z.literal("rebuilt-for-this-commit"), tag: z.string(), commit: z.string() }),
  /** No run remembers it, as it is in no registry. */
  z.object({ kind: z.literal("not-published") }),
  z.object({ kind: z.literal("parent-rebuilt"), parent: z.string() }),
  z.object({ kind: z.literal("files-changed"), ...boundedFiles.shape }),
  z.object({ kind: z.literal("spec-changed"), path: z.string() }),
  z.object({ kind: z.literal("tests-changed"), ...boundedFiles.shape }),
  z.object({ kind: z.literal("base-moved"), reference: z.string(), from: z.string(), to: z.string() }),
  /** It is older than `max_age`, and its packages have updates. */
  z.object({ kind: z.literal("updates"), ...askedImage, updates: z.array(packageUpdateSchema).min(1) }),
  /** It is older, and nothing that a build would bring is newer. */
  z.object({ kind: z.literal("no-updates"), ...askedImage }),
  z.object({ kind: z.literal("nothing-published"), repository: z.string() }),
  z.object({ kind: z.literal("no-image-with-key"), inputKey: z.string() }),
  z.object({ kind: z.literal("same-content"), tag: z.string() }),
  /** `witness`: what in the registry says so, the image with its label or a tag of its own. */
  z.object({ kind: z.literal("tests-passed"), tag: z.string(), witness: z.string().optional() }),
  z.object({ kind: z.literal("tests-not-passed"), tag: z.string() }),
  z.object({ kind: z.literal("registry-unknown"), why: z.string() }),
  /** The spec lets main believe nothing of what the registry says of earlier runs. */
  z.object({ kind: z.literal("registry-not-trusted") }),
  /** The spec trusts signers only, and their statements do not say what the image's labels do. */
  z.object({ kind: z.literal("not-proved"), tag: z.string(), why: z.string() }),
  z.object({ kind: z.literal("base-unknown"), references: z.array(z.string()) }),
  z.object({ kind: z.literal("git-unknown"), why: z.string() }),
  z.object({ kind: z.literal("unchanged"), why: z.string() }),
])

const publishedSchema = z.object(
  {
    tag: z.string(),
    digest: z.string(),
    /** `repository:tag@sha256:...`: the digest decides. */
    reference: z.string(),
    /** Digest of the index that it is in, with all other platforms of its image and nothing else. */
    index: z.string().optional(),
  },
  { error: ({ input }) => (input === undefined ? "there is no published image for this action" : undefined) },
)

/** A day, and of a build for updates a hash of these: it stands in the linked Dockerfile, and in a label. */
export const freshWordForm = /^\d{4}-\d{2}-\d{2}(?:-[0-9a-f]{8})?$/
/** The short hash of an update. */
export const updateMarkForm = /^[0-9a-f]{8}$/

/** Where a build gets a parent of the tree from. */
const parentSchema = z.discriminatedUnion("from", [
  /** Built by another step of this plan. */
  z.object({ from: z.literal("step"), image: z.string() }),
  /** Taken from the registry. */
  z.object({ from: z.literal("registry"), image: z.string(), reference: z.string(), digest: z.string() }),
  /** Its stages are built along; it is neither tested nor published. */
  z.object({ from: z.literal("source"), image: z.string() }),
])

export const actionSchema = z.enum(["build", "retest", "retag", "reuse", "skip"])

const anyStep = z.object({
  image: z.string(),
  /** Set in plans of several platforms: each has a step of an image. */
  platform: z.string().optional(),
  reasons: z.array(reasonSchema).min(1),
  /** `repository:tag` of the run. */
  reference: z.string(),
  inputKey: z.string(),
  testKey: z.string(),
  /** Set for an image that is never published: `reference` is what others call it then. */
  publish: z.literal(false).optional(),
  /** Whether success puts the run's tag on another image than before. */
  movesTag: z.boolean(),
})

const stepSchema = z.discriminatedUnion("action", [
  anyStep.extend({
    action: z.literal("build"),
    /** Where each parent comes from, and what a parent from source is itself built on. */
    parents: z.array(parentSchema),
    /** Of an image with `max_age`: what its RUN instructions are kept in the engine's cache by, and its labels. */
    fresh: z
      .object({ word: z.string().regex(freshWordForm), known: z.array(z.string().regex(updateMarkForm)) })
      .optional(),
  }),
  anyStep.extend({
    action: z.enum(["retest", "retag", "reuse"]),
    /** What is tested, tagged or reused. */
    published: publishedSchema,
  }),
  anyStep.extend({
    action: z.literal("skip"),
    /** What is there. */
    published: publishedSchema.optional(),
  }),
])

export const planSchema = z.object({
  version: z.literal(1),
  /** `<prefix>-<branch>`. */
  tag: z.string(),
  branch: z.string(),
  platform: z.string(),
  /** Set where there are several; `platform` is the first one then. */
  platforms: z.array(z.string()).optional(),
  /** Whether the run is allowed to write to the registry. */
  publish: z.boolean(),
  /** Set where nothing is done, because the commit or the pull request says so. */
  skippedByRequest: z.string().optional(),
  commit: z.string().optional(),
  /** What changes are counted from, as a sentence. */
  comparedWith: z.string(),
  /** Images whose source changed: the lines of `artifacts/IMAGES_CHANGED`. */
  imagesChanged: z.array(z.string()),
  /** What the images from outside of the tree stood for: repeated, the plan builds on the same ones. */
  bases: z
    .array(
      z.object({
        reference: z.string(),
        digest: z.string(),
        /** Set in plans of several platforms, for what is not the same for all of them. */
        platform: z.string().optional(),
      }),
    )
    .optional(),
  /** Each after its parents. */
  steps: z.array(stepSchema),
  notices: z.array(z.string()),
})

export type Plan = z.infer<typeof planSchema>
export type Step = z.infer<typeof stepSchema>
export type Action = z.infer<typeof actionSchema>
export type Reason = z.infer<typeof reasonSchema>
export type Published = z.infer<typeof publishedSchema>
export type ParentSource = z.infer<typeof parentSchema>

/** The published image that a step is about, where it is about one. */
export function publishedIn(step: Step): Published | undefined {
  return step.action === "build" ? undefined : step.published
}

/** Where a step gets what it is built on from; nothing where it builds nothing. */
export function parentsIn(step: Step): readonly ParentSource[] {
  return step.action === "build" ? step.parents : []
}

/**
 * Reads a plan document.
 * @throws Error naming what is not as expected: no JSON, another version, a step before its parents or twice, an action
 * on a published image without one
 */
export function readPlan(json: string): Plan {
  const parsed = planSchema.safeParse(parseJson(json))
  if (!parsed.success) throw new Error(`this is no plan of version 1: ${z.prettifyError(parsed.error)}`)
  const seen = new Set<string>()
  for (const step of parsed.data.steps) {
    const { image } = step
    const idOf = (name: string): string => JSON.stringify([name, step.platform])
    if (seen.has(idOf(image))) throw new Error(`this is no plan: it has two steps for "${image}"`)
    const early = parentsIn(step).find((parent) => parent.from === "step" && !seen.has(idOf(parent.image)))
    if (early !== undefined)
      throw new Error(`this is no plan: "${image}" comes before its parent "${early.image}"`)
    seen.add(idOf(image))
  }
  return parsed.data
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (error) {
    throw new Error("this is no plan: it is not JSON", { cause: error })
  }
}

/** `artifacts/IMAGES_CHANGED` in the old pipeline's format: a name a line, empty where nothing changed. */
export function imagesChangedText(plan: Plan): string {
  return plan.imagesChanged.map((name) => `${name}\n`).join("")
}
