import { askGit } from "../engine/gitContainer.js"
import { onePlatform } from "../gather/prepare.js"
import type { SingleImage } from "../gather/prepareOne.js"
import { prepareOne } from "../gather/prepareOne.js"
import { RegistrySession } from "../gather/registrySession.js"
import { secretsOf, stepsAtOnce } from "../gather/request.js"
import type { StackReport } from "../report/report.js"
import { listOption } from "../text/shell.js"
import type { RunOutcome } from "./buildStack.js"
import { runPlan } from "./buildStack.js"

/** What of one image is tested. */
export interface TestRequest {
  /** pytest's `-k` expression; empty runs all. */
  readonly filter: string
  /** Whether passes of earlier runs count. */
  readonly remembered: boolean
}

/**
 * Runs all tests of one image as `buildStack` does.
 * @throws InputError for mistakes in the source or the options
 */
export async function testImage(
  single: SingleImage,
  { filter, remembered }: TestRequest,
): Promise<RunOutcome> {
  const startedAt = Date.now()
  const prepared = await prepareOne(single, askGit(single.source, {}))
  const { secrets } = single
  const call = { request: callOf(single, filter), secrets, filter, parallel: stepsAtOnce, startedAt }
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
