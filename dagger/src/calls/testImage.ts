import { askGit } from "../engine/gitContainer.js"
import { onePlatform } from "../gather/prepare.js"
import type { SingleImage } from "../gather/prepareOne.js"
import { prepareOne } from "../gather/prepareOne.js"
import { RegistrySession } from "../gather/registrySession.js"
import { secretsOf, stepsAtOnce } from "../gather/request.js"
import type { StackReport } from "../report/report.js"
import { listOption } from "../text/shell.js"
import { runPlan } from "./buildStack.js"
import type { ShownScreen } from "./screenFiles.js"
import type { StackRun } from "./stackRun.js"

/** What of one image is tested, and what is done with the result. */
export interface TestRequest {
  /** pytest's `-k` expression; empty runs all. */
  readonly filter: string
  /** Whether passes of earlier runs count. */
  readonly remembered: boolean
  /** Where `./stack` shows the result. */
  readonly screen: ShownScreen | undefined
}

/**
 * Runs all tests of one image as `buildStack` does.
 * @throws InputError for mistakes in the source or the options
 */
export async function testImage(
  single: SingleImage,
  { filter, remembered, screen }: TestRequest,
): Promise<StackRun> {
  const startedAt = Date.now()
  const prepared = await prepareOne(single, askGit(single.source, {}))
  const { secrets } = single
  const call = { request: callOf(single, filter), secrets, filter, screen, parallel: stepsAtOnce, startedAt }
  const registry = await RegistrySession.open(undefined)
  const purpose = remembered ? "remembered-tests" : "tests"
  return runPlan(onePlatform(prepared), { ...call, publishing: "nothing", purpose }, registry)
}

function callOf({ image, platform, set, ref, secrets }: SingleImage, filter: string): StackReport["request"] {
  const options = [
    `--image=${image}`,
    ...(platform === undefined ? [] : [`--platform=${platform}`]),
    ...set.map((setting) => listOption("set", setting)),
    ...(ref === undefined ? [] : [`--ref=${ref}`]),
    ...(filter === "" ? [] : [`--filter=${filter}`]),
  ]
  return { function: "test-image", arguments: options, ...secretsOf(secrets) }
}
