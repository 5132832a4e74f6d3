import { randomBytes } from "node:crypto"
import { Container, dag, Service } from "@dagger.io/dagger"
import { givenIds } from "../engine/buildSecrets.js"
import { portOf } from "../engine/integrationTests.js"
import { linkedRun } from "../gather/linkedRun.js"
import type { SingleImage } from "../gather/prepareOne.js"
import { prepareOne } from "../gather/prepareOne.js"
import { imageOf } from "../run/buildImage.js"
import { jobsOf } from "../run/jobs.js"

/**
 * An image to look into, with its tests where the test runs have them: also one whose tests fail.
 * @throws InputError for mistakes in the source or the options
 */
export async function openShell(single: SingleImage): Promise<Container> {
  const { container, imagesDirectory } = await openImage(single)
  return container
    .withMountedDirectory("/stack/testing", dag.currentModule().source().directory("testing"))
    .withMountedDirectory("/stack/tests", single.source.directory(imagesDirectory))
    .withDefaultTerminalCmd(["sh", "-c", "command -v bash >/dev/null && exec bash || exec sh"])
}

/**
 * An image's own server, as it starts by itself.
 * @param token what the server asks for, for images that take it from JUPYTER_TOKEN; a random one, which is printed,
 * where not given: a known one would open a shell to everybody who reaches the port
 * @throws InputError for mistakes in the source or the options
 */
export async function serveImage(single: SingleImage, token = randomToken()): Promise<Service> {
  const { container, serverPort } = await openImage(single)
  return container
    .withEnvVariable("JUPYTER_TOKEN", token)
    .withExposedPort(await portOf(container, serverPort), { experimentalSkipHealthcheck: true })
    .asService({ useEntrypoint: true })
}

function randomToken(): string {
  const token = randomBytes(16).toString("hex")
  console.log(`the server's token: ${token}`)
  return token
}

interface OpenedImage {
  readonly container: Container
  /** Folder of the source with all images, and their tests. */
  readonly imagesDirectory: string
  /** TCP port of its server, where the spec names one. */
  readonly serverPort: number | undefined
}

/** The image as it is published, where a reference is given; else as its source builds it. */
async function openImage(single: SingleImage): Promise<OpenedImage> {
  const prepared = await prepareOne(single)
  const { copy, plan, spec } = prepared
  const { secrets } = single
  const [job] = jobsOf(prepared, givenIds(secrets), "tests")
  if (job?.action !== "build" && job?.action !== "retest") throw new Error(`no job for ${single.image}`)
  const linked = linkedRun(prepared, "", secrets.agent)
  const container = await imageOf({ copy, linked, secrets, platform: plan.platform }, job)
  return { container, imagesDirectory: spec.imagesDirectory, serverPort: job.serverPort }
}
