import { setTimeout as sleep } from "node:timers/promises"
import type { Container } from "@dagger.io/dagger"
import { candidateTag } from "../plan/facts.js"
import { formatReference, parseReference } from "../reference/reference.js"
import { engineMessage } from "../engine/engineError.js"
import type { ImageState } from "./execution.js"
import { inTime } from "../async/inTime.js"

/** A push that takes longer than so many seconds, and for larger images so many more, is given up: a registry hangs. */
const pushSeconds = 60
const slowestBytesPerSecond = 2e6
/** Seconds before a push is tried again that met a closed door. */
const pausesWhenRefused = [1, 2, 4, 8]
/** Of an image whose size is not known. */
const largestImage = 20e9

function secondsFor({ unpackedBytes = largestImage }: ImageState): number {
  return Math.round(pushSeconds + unpackedBytes / slowestBytesPerSecond)
}

/** Pushes a built image as a candidate. A failure becomes its outcome. */
export async function pushCandidate(state: ImageState, container: Container): Promise<ImageState> {
  const { job, journal } = state
  const address = formatReference({ ...job.repository, tag: candidateTag(job.inputKey) })
  try {
    const pushed = await journal.step("publish", () => pushPatiently(state, container, address))
    const { digest } = parseReference(pushed)
    if (digest === undefined) throw new Error(`the engine pushed ${address} without naming its digest`)
    return { ...state, digest }
  } catch (error) {
    return publishFailed(state, address, error)
  }
}

/** The engine tries again by itself, but takes a refused connection for final: a registry that restarts refuses some. */
async function pushPatiently(state: ImageState, container: Container, address: string): Promise<string> {
  const push = () => inTime(secondsFor(state), container.publish(address))
  for (const pause of pausesWhenRefused) {
    try {
      return await push()
    } catch (error) {
      if (!engineMessage(error).includes("connection refused")) throw error
      state.journal.say(`publish: the registry refuses connections; again in ${pause} s`)
      await sleep(pause * 1000)
    }
  }
  return push()
}

/** The state of an image that the registry did not take. @param what what was being done, or written */
export function publishFailed(state: ImageState, what: string, error: unknown): ImageState {
  const message = `${what}: ${engineMessage(error)}`
  state.journal.keep(message)
  return { ...state, outcome: { kind: "publish-failed", message } }
}
