import { Container, dag, Service } from "@dagger.io/dagger"
import { buildArgsOf, linkedDockerfile } from "./buildImage.js"
import { portOf } from "./integrationTests.js"
import { loginToRegistry } from "./publishImage.js"
import { parseReference } from "../reference/reference.js"
import type { SingleImage } from "./testImage.js"
import { openImage } from "./testImage.js"

/**
 * An image to look into, with its tests where the test runs have them: also one whose tests fail.
 * @throws InputError for mistakes in the source or the options
 */
export async function openShell(single: SingleImage): Promise<Container> {
  const open = await openImage(single)
  const container = await imageOf(single, open)
  return container
    .withMountedDirectory("/stack/testing", dag.currentModule().source().directory("testing"))
    .withMountedDirectory("/stack/tests", single.source.directory(open.spec.imagesDirectory))
    .withDefaultTerminalCmd(["sh", "-c", "command -v bash >/dev/null && exec bash || exec sh"])
}

/**
 * An image's own server, as it starts by itself.
 * @param token what the server asks for, for images that take it from JUPYTER_TOKEN
 * @throws InputError for mistakes in the source or the options
 */
export async function serveImage(single: SingleImage, token: string): Promise<Service> {
  const container = await imageOf(single, await openImage(single))
  return container
    .withEnvVariable("JUPYTER_TOKEN", token)
    .withExposedPort(await portOf(container), { experimentalSkipHealthcheck: true })
    .asService({ useEntrypoint: true })
}

async function imageOf(
  { ref, login }: SingleImage,
  open: Awaited<ReturnType<typeof openImage>>,
): Promise<Container> {
  if (ref === undefined) {
    const { target, builderArgs } = open.linked
    return open.context.dockerBuild({
      dockerfile: linkedDockerfile,
      target,
      buildArgs: buildArgsOf(builderArgs),
    })
  }
  if (login !== undefined) await loginToRegistry(parseReference(ref), login)
  return dag.container().from(ref)
}
