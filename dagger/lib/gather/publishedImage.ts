import { dag, Platform } from "@dagger.io/dagger"
import { engineMessage } from "../engine/engineError.js"
import { ofPlatform } from "../engine/platform.js"
import { InputError, atOption } from "../problems.js"
import type { ImageReference, PinnedReference } from "../reference/reference.js"
import { formatReference, parseReference } from "../reference/reference.js"

/**
 * The image that `--ref` names now; the engine asks for it, with its mirrors and logins.
 * @throws InputError where there is none for the platform
 */
export async function publishedImage(named: ImageReference, platform: string): Promise<PinnedReference> {
  const { digest } = named
  if (digest !== undefined) return { ...named, digest }
  const reference = formatReference(named)
  try {
    const container = dag.container({ platform: platform as Platform }).from(reference)
    const found = parseReference(await (await ofPlatform(container, platform)).imageRef()).digest
    if (found === undefined) throw new Error("the engine names no digest of it")
    return { ...named, digest: found }
  } catch (error) {
    const message = `${reference} cannot be taken: ${engineMessage(error)}`
    throw new InputError([{ location: atOption("--ref"), message }])
  }
}
