import type { PinnedReference } from "../reference/reference.js"
import { formatReference } from "../reference/reference.js"
import type { Plan, Step } from "./planDocument.js"

/** An image that a call is about, with what is known of the call's source. */
export interface OneImage extends Pick<Plan, "tag" | "branch" | "platform"> {
  readonly image: string
  /** `repository:tag` of the run. */
  readonly reference: string
}

/** The published image that is to be tested. */
interface AsPublished {
  readonly published: PinnedReference
  /** As the call names it. */
  readonly written: string
}

/** The image as its source builds it. */
interface FromSource {
  readonly inputKey: string
  readonly testKey: string
  /** All that it is made from, which is built along. */
  readonly sources: readonly string[]
}

/** The plan to build one image, or to take a published one, and to test it; it publishes nothing. */
export function planOne(one: OneImage, from: AsPublished | FromSource): Plan {
  const { image, reference, tag, branch, platform } = one
  return {
    version: 1,
    tag,
    branch,
    platform,
    publish: false,
    comparedWith: "nothing: the call is about one image",
    imagesChanged: [],
    steps: [onlyStep(image, reference, from)],
    notices: [],
  }
}

function onlyStep(image: string, reference: string, from: AsPublished | FromSource): Step {
  const any = { image, reference, movesTag: false }
  if ("sources" in from) {
    const { inputKey, testKey, sources } = from
    const parents = sources.map((name) => ({ from: "source" as const, image: name }))
    return { ...any, action: "build", reasons: [{ kind: "asked-for" }], inputKey, testKey, parents }
  }
  const { written, published: named } = from
  const published = { tag: named.tag ?? "", digest: named.digest, reference: formatReference(named) }
  const reasons = [{ kind: "asked-for" as const, reference: written }]
  // What a published image was built from, and passed, is for its labels to say: nobody has asked.
  return { ...any, action: "retest", reasons, inputKey: "", testKey: "", published }
}
