import { dag, Platform } from "@dagger.io/dagger"
import type { Places } from "../dockerfile/authorsPlaces.js"
import { authorsPlaces } from "../dockerfile/authorsPlaces.js"
import { linkedDockerfile } from "../dockerfile/link.js"
import { parseReference } from "../reference/reference.js"
import { cleanText } from "../text/cleanText.js"
import { failedStepOutput } from "../engine/buildOutput.js"
import { engineMessage } from "../engine/engineError.js"
import type { Execution, ImageJob, ImageState } from "./execution.js"
import { ofPlatform } from "../engine/platform.js"
import { ownSession } from "../engine/telemetry.js"

/**
 * Builds an image, or takes a published one from the registry where the plan only tests it.
 * A failure of the build becomes the image's outcome.
 * @throws Error where a published image cannot be found
 */
export async function buildImage(run: Execution, state: ImageState): Promise<ImageState> {
  const { job, journal } = state
  if (job.action === "retest" && job.known !== undefined) {
    journal.say(`using ${job.known.reference}`)
    return takePublished(state, job.known, run.platform)
  }
  let places: Places | undefined
  try {
    const container = await journal.step("build", async () => {
      const context = await run.context(job.name)
      places = context.places
      const buildArgs = buildArgsOf(job.builderArgs)
      const secrets = [...run.secrets.values()]
      const platform = run.platform as Platform
      const options = { dockerfile: linkedDockerfile, target: job.target, buildArgs, secrets, platform }
      return context.directory.dockerBuild(options).sync()
    })
    return { ...state, container }
  } catch (error) {
    const output = await failedStepOutput(ownSession(), messageOf(error), job.target)
    const told = [engineMessage(error), ...(output === undefined ? [] : [cleanText(output)])].join("\n")
    const message = places === undefined ? told : authorsPlaces(told, places)
    journal.keep(message)
    return { ...state, outcome: { kind: "build-failed", message } }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

async function takePublished(
  state: ImageState,
  { reference, digest }: NonNullable<ImageJob["known"]>,
  platform: string,
): Promise<ImageState> {
  const container = dag.container({ platform: platform as Platform }).from(reference)
  // What a digest was found by is its key, which has the platform; what a tag names only the registry knows.
  if (digest !== undefined) return { ...state, container, digest }
  const found = parseReference(await (await ofPlatform(container, platform)).imageRef()).digest
  return { ...state, container, ...(found !== undefined && { digest: found }) }
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
