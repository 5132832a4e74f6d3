import { setTimeout as sleep } from "node:timers/promises"
import type { Container } from "@dagger.io/dagger"
import { candidateTag } from "../plan/facts.js"
import { formatReference, parseReference } from "../reference/reference.js"
import { engineMessage } from "../engine/engineError.js"
import { labelled } from "./buildImage.js"
import { answersLabel } from "./checkTags.js"
import type { BuildJob, BuiltImage, EndedImage } from "./execution.js"
import { ended } from "./execution.js"
import type { OutsideFacts } from "../engine/inspectImage.js"
import { inTime } from "../async/inTime.js"

/** A push that takes longer than so many seconds, and for larger images so many more, is given up: a registry hangs. */
const pushSeconds = 60
const slowestBytesPerSecond = 2e6
/** Seconds before a push is tried again whose connection was refused. */
const pausesWhenRefused = [1, 2, 4, 8]
/** Bytes that an image is taken to have whose size is not known. */
const largestImage = 20e9

function secondsFor({ unpackedBytes = largestImage }: OutsideFacts): number {
  return Math.round(pushSeconds + unpackedBytes / slowestBytesPerSecond)
}

/** Pushes a built image as a candidate. A failure becomes its outcome. */
export async function pushCandidate(image: BuiltImage, job: BuildJob): Promise<BuiltImage | EndedImage> {
  const address = formatReference({ ...job.repository, tag: candidateTag(job.inputKey) })
  try {
    const container = labelled(image.container, {
      ...job,
      labels: new Map([...job.labels, ...answersLabel(image)]),
    })
    const pushed = await image.record.step("publish", () => pushPatiently(image, container, address))
    const { digest } = parseReference(pushed)
    if (digest === undefined) throw new Error(`the engine pushed ${address} without naming its digest`)
    return { ...image, digest }
  } catch (error) {
    return publishFailed(image, address, error)
  }
}

/** The engine tries again by itself, but takes a refused connection for final: a registry that restarts refuses some. */
async function pushPatiently({ record }: BuiltImage, container: Container, address: string): Promise<string> {
  const push = () => inTime(secondsFor(record.outside), container.publish(address))
  for (const pause of pausesWhenRefused) {
    try {
      return await push()
    } catch (error) {
      if (!engineMessage(error).includes("connection refused")) throw error
      record.say(`publish: the registry refuses connections; again in ${pause} s`)
      await sleep(pause * 1000)
    }
  }
  return push()
}

/** The end of an image that the registry did not take. @param what what was being done, or written */
export function publishFailed(image: BuiltImage | EndedImage, what: string, error: unknown): EndedImage {
  const message = `${what}: ${engineMessage(error)}`
  image.record.keep(message)
  const outcome = { kind: "publish-failed", message } as const
  return image.kind === "built" ? ended(image, outcome) : { ...image, outcome }
}
