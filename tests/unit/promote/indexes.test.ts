import { afterAll, beforeEach, expect, test } from "vitest"
import { rollback } from "../../../dagger/lib/promote/rollback.js"
import { status } from "../../../dagger/lib/promote/status.js"
import { tagGlobalStable } from "../../../dagger/lib/promote/tagGlobalStable.js"
import { tagStable } from "../../../dagger/lib/promote/tagStable.js"
import { startRegistry } from "../../support/registry.js"
import { clientOf } from "../../support/registryClient.js"
import type { JoinedContent, JoinedImage } from "../../support/registryIndexes.js"
import { pushJoined } from "../../support/registryIndexes.js"
import { contextOf, digestsOf, imagesIn } from "../../support/registryWorld.js"

// What moves tags, on images of several platforms: a tag names an index, and nothing in it is touched.

const registry = await startRegistry({ login: true })
const { client } = clientOf(registry)
afterAll(() => registry.stop())

let organisation = 0
let images = imagesIn(registry.host, "none")
beforeEach(() => {
  organisation += 1
  images = imagesIn(registry.host, `org${organisation}`)
})

/** Publishes each image of the set for two platforms. */
async function pushSet(tag: string, content: JoinedContent): Promise<ReadonlyMap<string, JoinedImage>> {
  const pushed = images.map(async ({ name, repository }) => {
    const contents = [`${name} ${content.contents[0]}`, `${name} ${content.contents[1]}`] as const
    return [name, await pushJoined(registry, client, repository, tag, { ...content, contents })] as const
  })
  return new Map(await Promise.all(pushed))
}

const first: JoinedContent = { contents: ["1", "1"], commits: ["aaa1111", "aaa1111"], commit: "aaa1111" }
/** Only what is for arm64 was built anew. */
const second: JoinedContent = { contents: ["1", "2"], commits: ["aaa1111", "bbb2222"], commit: "bbb2222" }
const indexesOf = (set: ReadonlyMap<string, JoinedImage>) =>
  new Map([...set].map(([name, { digest }]) => [name, digest]))
const promote = () =>
  tagStable(
    { tag: "2026.4-main", images, gate: { kind: "skipped", why: "not in this test" }, dryRun: false },
    contextOf(client),
  )
const stable = () => digestsOf(client, images, "2026.4-stable")

test("a promotion moves the index: four requests an image, and none about what it lists", async () => {
  const set = await pushSet("2026.4-main", first)
  const before = registry.accessLog().length
  expect((await promote()).outcome.kind).toBe("promoted")
  const asked = registry.accessLog().slice(before)
  expect(await stable()).toEqual(indexesOf(set))
  const [, ...others] = images
  for (const { repository } of others) {
    const own = asked.filter(({ path }) => path.startsWith(`/v2/${repository.path}/`))
    expect(own.map(({ method }) => method).toSorted()).toEqual(["GET", "HEAD", "HEAD", "PUT"])
  }
  const parts = [...set.values()].flatMap(({ amd64, arm64 }) => [amd64, arm64])
  expect(asked.filter(({ path }) => parts.some((digest) => path.includes(digest)))).toEqual([])
})

test("a rollback goes back to the index of before, and both of its platforms are there", async () => {
  const before = await pushSet("2026.4-main", first)
  await promote()
  const newer = await pushSet("2026.4-main", second)
  await promote()
  expect(await stable()).toEqual(indexesOf(newer))
  const back = await rollback(
    { tag: "2026.4-stable", images, force: false, dryRun: false },
    contextOf(client),
  )
  expect(back.outcome.kind).toBe("promoted")
  expect(await stable()).toEqual(indexesOf(before))
  for (const { name, repository } of images) {
    const { amd64 = "", arm64 = "" } = before.get(name) ?? {}
    for (const digest of [amd64, arm64])
      expect(await client.manifest({ ...repository, digest })).toMatchObject({ digest })
  }
})

test("status tells the index, and the commit of the run that joined it, which may be newer than one of its images", async () => {
  const set = await pushSet("2026.4-main", second)
  await promote()
  await tagGlobalStable({ prefix: "2026.4", images, dryRun: false }, contextOf(client))
  const { tags } = await status(images, "2026.4", client)
  expect(tags.map(({ tag, state }) => [tag, state])).toEqual([
    ["stable", "whole"],
    ["2026.4-stable", "whole"],
  ])
  for (const { images: found } of tags) {
    expect(found.map(({ digest, commit }) => [digest, commit])).toEqual(
      [...set.values()].map(({ digest }) => [digest, "bbb2222"]),
    )
  }
})
