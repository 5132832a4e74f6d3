import { randomBytes } from "node:crypto"
import { Container, dag, Platform, Service } from "@dagger.io/dagger"
import { linkedDockerfile } from "../dockerfile/link.js"
import { buildArgsOf } from "../run/buildImage.js"
import { portOf } from "../engine/integrationTests.js"
import { openSource } from "../gather/openSource.js"
import { loginToRegistry } from "../engine/registryLogin.js"
import { selectImages } from "../tree/tree.js"
import { referenceOf } from "../gather/secretHosts.js"
import type { SingleImage } from "./testImage.js"
import { openImage } from "./testImage.js"

/**
 * An image to look into, with its tests where the test runs have them: also one whose tests fail.
 * @throws InputError for mistakes in the source or the options
 */
export async function openShell(single: SingleImage): Promise<Container> {
  const { container, imagesDirectory } = await imageOf(single)
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
  const { container, serverPort } = await imageOf(single)
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
async function imageOf(single: SingleImage): Promise<OpenedImage> {
  const { source, image, ref, login } = single
  if (ref !== undefined) {
    const { spec, tree } = await openSource(source)
    selectImages(tree, [image])
    if (login !== undefined) await loginToRegistry(referenceOf(ref), login)
    const { serverPort } = tree.node(image).image
    const container = dag.container({ platform: spec.platform as Platform }).from(ref)
    return { container, imagesDirectory: spec.imagesDirectory, serverPort }
  }
  const { context, linked, spec, tree, platform } = await openImage(single)
  const buildArgs = buildArgsOf(linked.builderArgs)
  const secrets = [...single.secrets.values()]
  const container = context.directory.dockerBuild({
    dockerfile: linkedDockerfile,
    target: linked.target,
    buildArgs,
    secrets,
    platform: platform.platform as Platform,
  })
  return { container, imagesDirectory: spec.imagesDirectory, serverPort: tree.node(image).image.serverPort }
}
