import { dag } from "@dagger.io/dagger"
import type { Places } from "../dockerfile/authorsPlaces.js"
import { authorsPlaces } from "../dockerfile/authorsPlaces.js"
import { engineMessage } from "./engineError.js"
import type { Execution, ImageState } from "./execution.js"

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
  let places: Places | undefined
  try {
    const container = await journal.step("build", async () => {
      const context = await run.context(job.name)
      places = context.places
      const buildArgs = buildArgsOf(job.builderArgs)
      const secrets = [...run.secrets.values()]
      const options = { dockerfile: linkedDockerfile, target: job.target, buildArgs, secrets }
      return context.directory.dockerBuild(options).sync()
    })
    return { ...state, container }
  } catch (error) {
    const told = engineMessage(error)
    const message = places === undefined ? told : authorsPlaces(told, places)
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
  labels: ReadonlyMap<string, string>,
): NonNullable<ImageState["container"]> {
  let result = container
  for (const [name, value] of labels) result = result.withLabel(name, value).withAnnotation(name, value)
  return result
}
