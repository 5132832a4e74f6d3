import { Container, dag } from "@dagger.io/dagger"
import type { Repository } from "../reference/reference.js"
import { formatReference, parseReference } from "../reference/reference.js"
import { engineMessage } from "./engineError.js"
import type { Execution, ImageState, RegistryLogin } from "./execution.js"
import { inTime } from "./time.js"

/** Seconds after which a push that does not end is given up: large images take minutes, a hanging registry for ever. */
const pushSeconds = 1800

/**
 * The tag under which an image waits until all of its run have passed. It is made of the input key, so that an
 * interrupted run's finished images are found by the next one: the engine cannot push without a tag.
 */
export function candidateTag(inputKey: string): string {
  return `candidate-${inputKey.slice(0, 16)}`
}

/** Pushes a built image as a candidate. A failure becomes its outcome. */
export async function pushCandidate(
  run: Execution,
  state: ImageState,
  container: Container,
): Promise<ImageState> {
  const { job, journal } = state
  const address = formatReference({ ...job.repository, tag: candidateTag(job.inputKey) })
  try {
    const pushed = await journal.step("publish", () =>
      inTime(pushSeconds, withLogin(container, job.repository, run.login).publish(address)),
    )
    const { digest } = parseReference(pushed)
    if (digest === undefined) throw new Error(`the engine pushed ${address} without naming its digest`)
    return { ...state, digest }
  } catch (error) {
    const message = `${address}: ${engineMessage(error)}`
    journal.keep(message)
    return { ...state, outcome: { kind: "publish-failed", message } }
  }
}

/** A container whose pushes and pulls use the login, for one registry. */
export function withLogin(
  container: Container,
  { registry }: Repository,
  login: RegistryLogin | undefined,
): Container {
  return login === undefined
    ? container
    : container.withRegistryAuth(registry, login.username, login.password)
}

/**
 * Makes the login known to the engine's session, for images that a Dockerfile starts from.
 */
export async function loginToRegistry(repository: Repository, login: RegistryLogin): Promise<void> {
  await withLogin(dag.container(), repository, login).sync()
}
