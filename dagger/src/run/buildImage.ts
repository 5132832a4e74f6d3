import { dag } from "@dagger.io/dagger"
import { engineMessage } from "./engineError.js"
import type { Execution, ImageJob, ImageState } from "./execution.js"

/** Name of the linked Dockerfile in the build context. */
export const linkedDockerfile = "stack.Dockerfile"

/**
 * Builds an image, or takes a published one from the registry where the plan only tests it.
 * A failure becomes the image's outcome.
 */
export async function buildImage(run: Execution, state: ImageState): Promise<ImageState> {
  const { job, journal } = state
  if (job.action === "retest" && job.known !== undefined) {
    journal.say(`using ${job.known.reference}`)
    return { ...state, container: dag.container().from(job.known.reference), digest: job.known.digest }
  }
  try {
    const container = await journal.step("build", async () => {
      const context = await run.context(job.name)
      const buildArgs = buildArgsOf(job.builderArgs)
      return context.dockerBuild({ dockerfile: linkedDockerfile, target: job.target, buildArgs }).sync()
    })
    return { ...state, container }
  } catch (error) {
    const message = engineMessage(error)
    journal.keep(message)
    return { ...state, outcome: { kind: "build-failed", message } }
  }
}

/** Arguments in the engine's form. */
export function buildArgsOf(builderArgs: ReadonlyMap<string, string>): { name: string; value: string }[] {
  return [...builderArgs].map(([name, value]) => ({ name, value }))
}

/**
 * An image as it is published. Labels are put on at last, not by the Dockerfile: a child would inherit its parent's, and
 * the engine would repeat builds and tests for every commit.
 */
export function labelled(
  container: NonNullable<ImageState["container"]>,
  { labels, foreignLabels }: Pick<ImageJob, "labels" | "foreignLabels">,
): NonNullable<ImageState["container"]> {
  let result = container
  for (const name of foreignLabels) result = result.withoutLabel(name)
  for (const [name, value] of labels) result = result.withLabel(name, value).withAnnotation(name, value)
  return result
}
