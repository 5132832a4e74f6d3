import type { PromotedImage } from "../../dagger/lib/promote/promotion.js"
import type { MeteredContext } from "../../dagger/lib/promote/promote.js"
import type { Journal } from "../../dagger/lib/promote/journal.js"
import { parseRepository } from "../../dagger/lib/reference/reference.js"
import type { ManifestStore, RegistryClient } from "../../dagger/lib/registry/client.js"
import { copyImage } from "./copyImage.js"
import type { TrafficLog } from "../../dagger/lib/registry/traffic.js"
import { pushImage } from "./registryImages.js"
import type { PushTarget, TestImage } from "./registryImages.js"

/** Names of the images that promotion tests move, the root first. */
export const imageNames = ["base", "child-a", "child-b"] as const

/** The images of a test's tree in an organisation of a registry. */
export function imagesIn(host: string, organisation: string): readonly PromotedImage[] {
  return imageNames.map((name) => ({ name, repository: parseRepository(`${host}/${organisation}/${name}`) }))
}

/** Pushes one set of images under a tag; sets of different generations differ in every image. */
export async function pushSet(
  target: PushTarget,
  organisation: string,
  tag: string,
  generation: string,
  image: TestImage = {},
): Promise<ReadonlyMap<string, string>> {
  const pushed = imageNames.map(async (name) => {
    const content = { layers: [name, generation], ...image }
    return [name, await pushImage(target, `${organisation}/${name}:${tag}`, content)] as const
  })
  return new Map(await Promise.all(pushed))
}

/** Puts a set that was pushed before into another organisation of the registry: faster than pushing it again. */
export async function copySet(
  client: RegistryClient,
  from: { readonly host: string; readonly organisation: string },
  organisation: string,
  tag: string,
): Promise<ReadonlyMap<string, string>> {
  const sources = imagesIn(from.host, from.organisation)
  const copies = imagesIn(from.host, organisation).map(async ({ name, repository }, index) => {
    const source = sources[index]
    if (source === undefined) throw new Error(`there is no ${name}`)
    return [name, await copyImage(client, { ...source.repository, tag }, repository, tag)] as const
  })
  return new Map(await Promise.all(copies))
}

/** What the images of a set are under a tag now. */
export async function digestsOf(
  store: ManifestStore,
  images: readonly PromotedImage[],
  tag: string,
): Promise<ReadonlyMap<string, string | undefined>> {
  const found = images.map(async ({ name, repository }) => {
    return [name, (await store.resolve({ ...repository, tag }))?.digest] as const
  })
  return new Map(await Promise.all(found))
}

/** A context without waiting that keeps the journals it is given. */
export function contextOf(
  store: ManifestStore,
  traffic?: TrafficLog,
): MeteredContext & { readonly journals: readonly Journal[] } {
  const journals: Journal[] = []
  return {
    store,
    journals,
    now: () => Date.now(),
    sleep: () => Promise.resolve(),
    random: () => Math.random(),
    saveJournal: (journal) => {
      journals.push(journal)
      return Promise.resolve()
    },
    ...(traffic !== undefined && { traffic: () => traffic.read() }),
  }
}
