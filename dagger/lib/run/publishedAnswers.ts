import { dag, Platform } from "@dagger.io/dagger"
import * as z from "zod"
import { engineMessage } from "../engine/engineError.js"
import { inspectImage } from "../engine/inspectImage.js"
import { ofPlatform } from "../engine/platform.js"
import type { PinnedReference } from "../reference/reference.js"
import { formatReference } from "../reference/reference.js"
import type { RegistryClient } from "../registry/client.js"
import { imageLabels } from "../registry/imageFacts.js"
import { labels } from "../registry/labels.js"
import { RegistryError } from "../registry/registryError.js"
import type { CommandAnswer } from "../tag/furtherTags.js"
import { answersIn, infoProbe } from "./checkTags.js"

const answersForm = z.record(z.string(), z.string())

/**
 * What commands print in a published image: as its label tells from when it was built, else by running them in it.
 * @param commands by key
 */
export async function askPublishedImage(
  client: RegistryClient,
  image: PinnedReference,
  commands: ReadonlyMap<string, string>,
  platform: string,
): Promise<ReadonlyMap<string, CommandAnswer>> {
  const told = await toldByLabel(client, image)
  const known = new Map<string, CommandAnswer>()
  for (const [key, command] of commands) {
    const text = told.get(command)
    if (text !== undefined) known.set(key, { kind: "printed", text })
  }
  const missing = [...commands].filter(([, command]) => !told.has(command))
  if (missing.length === 0) return known
  const probes = missing.map(([key, command]) => ({ key: infoProbe(key), command }))
  try {
    const container = dag.container({ platform: platform as Platform }).from(formatReference(image))
    const { results } = await inspectImage(await ofPlatform(container, platform), probes, false)
    return new Map([...known, ...answersIn({ probes: results })])
  } catch (error) {
    const why = `the published image cannot be asked: ${engineMessage(error)}`
    for (const [key] of missing) known.set(key, { kind: "failed", why })
    return known
  }
}

/** Answers by command; a label that is missing, or not of this form, tells nothing. */
async function toldByLabel(
  client: RegistryClient,
  image: PinnedReference,
): Promise<ReadonlyMap<string, string>> {
  try {
    client.expect([image])
    const text = (await imageLabels(client, image))?.labels.get(labels.tagAnswers) ?? "{}"
    return new Map(Object.entries(answersForm.safeParse(JSON.parse(text)).data ?? {}))
  } catch (error) {
    if (error instanceof RegistryError || error instanceof SyntaxError) return new Map()
    throw error
  }
}
