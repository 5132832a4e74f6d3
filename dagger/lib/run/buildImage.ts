import { Container, dag, Platform } from "@dagger.io/dagger"
import type { Places } from "../dockerfile/authorsPlaces.js"
import { authorsPlaces } from "../dockerfile/authorsPlaces.js"
import { linkedDockerfile } from "../dockerfile/link.js"
import { formatReference } from "../reference/reference.js"
import { cleanText } from "../text/cleanText.js"
import { failedStepOutput } from "../engine/buildOutput.js"
import { engineMessage } from "../engine/engineError.js"
import type { LinkedContext } from "./linkedContext.js"
import { linkedContext } from "./linkedContext.js"
import type { BuildJob, BuiltImage, EndedImage, Execution, RetestJob, WaitingImage } from "./execution.js"
import { ended } from "./execution.js"
import { ownSession } from "../engine/telemetry.js"

/** What images are made from. */
type ImageSource = Pick<Execution, "copy" | "linked" | "secrets" | "platform">

/** The image of a job, as its source builds it or as it is published; nothing is built yet. */
export async function imageOf(source: ImageSource, job: BuildJob | RetestJob): Promise<Container> {
  if (job.action === "build")
    return builtFrom(source, job, await linkedContext(source.copy, source.linked, job.name))
  return dag.container({ platform: source.platform as Platform }).from(formatReference(job.published))
}

function builtFrom(
  { secrets, platform }: ImageSource,
  { target, builderArgs }: BuildJob,
  { directory }: LinkedContext,
): Container {
  const args = withBuildersName(builderArgs, target)
  return directory.dockerBuild({
    dockerfile: linkedDockerfile,
    target,
    buildArgs: [...args].map(([name, value]) => ({ name, value })),
    secrets: [...secrets.values.values()],
    platform: platform as Platform,
  })
}

/**
 * The builder's arguments with a word for the image that is built. Without it each image would run again what its parents
 * have run behind a COPY, and have other layers than theirs: the solver of 0.19 merges no steps, and where a RUN of this
 * session is a step of two builds, what is behind it is not found by its content (docs/dead-ends.md). With a word of its own no
 * RUN is a step of two builds, and each is found by its key, which proxies are no part of.
 */
export function withBuildersName(
  args: ReadonlyMap<string, string>,
  target: string,
  engines: string | undefined = process.env.NO_PROXY,
): ReadonlyMap<string, string> {
  const isOurs = (name: string) => name.toLowerCase() === "no_proxy"
  // The engine gives its own to each RUN, and to this process, but not where the builder has one.
  const given = [...args].find(([name]) => isOurs(name))?.[1] ?? engines ?? ""
  const hosts = [...(given === "" ? [] : [given]), `${target}.invalid`]
  return new Map([...[...args].filter(([name]) => !isOurs(name)), ["NO_PROXY", hosts.join(",")]])
}

/**
 * Builds an image, or takes a published one from the registry where the plan only tests it.
 * A failure of the build becomes the image's outcome.
 */
export async function buildImage(run: Execution, image: WaitingImage): Promise<BuiltImage | EndedImage> {
  const { job, record } = image
  if (job.action === "build") return buildFromSource(run, job, image)
  record.say(`using ${formatReference(job.published)}`)
  return { ...image, kind: "built", container: await imageOf(run, job), digest: job.published.digest }
}

async function buildFromSource(
  run: Execution,
  job: BuildJob,
  image: WaitingImage,
): Promise<BuiltImage | EndedImage> {
  const { record } = image
  let places: Places | undefined
  try {
    const container = await record.step("build", async () => {
      const context = await linkedContext(run.copy, run.linked, job.name)
      places = context.places
      return builtFrom(run, job, context).sync()
    })
    return { ...image, kind: "built", container }
  } catch (error) {
    const output = await failedStepOutput(ownSession(), messageOf(error), job.target)
    const said = [engineMessage(error), ...(output === undefined ? [] : [cleanText(output)])].join("\n")
    const message = places === undefined ? said : authorsPlaces(said, places)
    record.keep(message)
    return ended(image, { kind: "build-failed", message })
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/**
 * An image as it is published. Labels are added at the end, not by the Dockerfile: a child would inherit its parent's, and
 * the engine would repeat builds and tests for every commit.
 */
export function labelled(
  container: Container,
  { labels, foreignLabels }: Pick<BuildJob, "labels" | "foreignLabels">,
): Container {
  let result = container
  for (const name of foreignLabels) result = result.withoutLabel(name)
  for (const [name, value] of labels) result = result.withLabel(name, value).withAnnotation(name, value)
  return result
}
