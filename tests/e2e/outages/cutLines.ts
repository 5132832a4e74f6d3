import { expect, test } from "vitest"
import type { FaultProxy, FaultRule } from "../../support/faultProxy.js"
import { FixtureStack } from "../../support/fixtureStacks.js"
import { cutLine } from "../../support/outage.js"
import { timed } from "../../support/outageStack.js"
import { PromotionWorld } from "../../support/promotionWorld.js"

const main = "2026.4-main"
const stable = "2026.4-stable"

/** Packets to a server that are lost, from the middle of a transfer on. The tests wait for limits: side by side. */
export function cutLines(): void {
  test.concurrent(
    "the registry while an image is pushed: given up after the push's limit, and its questions'",
    async () => {
      const world = await FixtureStack.start({
        base: { files: { Dockerfile: "FROM debian:bookworm-slim\n" } },
      })
      try {
        await world.git("checkout", "--quiet", "-b", "work")
        const line = cutAt(world.front, { method: "PUT", path: /\/blobs\/uploads/ })
        const { status, stdout, seconds } = await timed(
          world.begin("build-stack", "--source=.", ...world.publishing()),
        )
        line.mend()
        expect(status).toBe(1)
        expect(stdout).toMatch(/base: FAILED to publish\n {4}\| .*no answer within \d+ s/)
        expect(seconds).toBeLessThan(300)
        expect((await world.publish()).outcomes).toEqual({ base: "untested" })
        expect(await world.tags("base")).toEqual(["2026.4-work"])
      } finally {
        await world.stop()
      }
    },
  )

  test.concurrent("the registry while tags are promoted: half is done, and told", async () => {
    const world = await PromotionWorld.start()
    try {
      const digests = await world.newImages(main, "1")
      const line = cutAt(world.front, { method: "PUT", path: /\/manifests\/2026/, after: 1 })
      const startedAt = Date.now()
      const { status, stdout } = await world.call("tag-stable", stableOptions(world))
      line.mend()
      expect(status).toBe(1)
      expect(stdout).toMatch(/child:2026\.4-stable.*not known .*no whole answer within 10 s/)
      // Five tries of 10 s, then one for each further question.
      expect(Date.now() - startedAt).toBeLessThan(150_000)
      expect(await world.digests(stable)).toEqual({ base: digests.base, child: undefined })
      const again = await world.exported("tag-stable", stableOptions(world))
      expect(again.report).toMatchObject({ ok: true, outcome: { kind: "promoted" } })
      expect(await world.digests(stable)).toEqual(digests)
    } finally {
      await world.stop()
    }
  })

  test.concurrent(
    "the wiki while pages are pushed: the tags have moved, the same again writes the pages",
    async () => {
      const world = await PromotionWorld.start()
      try {
        const digests = await world.newImages(main, "1")
        const head = world.wikiHead()
        const line = cutAt(world.wikiFront, { method: "POST", path: /receive-pack/ })
        const startedAt = Date.now()
        const { status, stdout } = await world.call("tag-stable", stableOptions(world))
        line.mend()
        expect(status).toBe(1)
        expect(stdout).toMatch(
          /the wiki was not updated: the wiki's host cannot be reached .*Run the same again/,
        )
        expect(Date.now() - startedAt).toBeLessThan(300_000)
        expect(await world.digests(stable)).toEqual(digests)
        expect(world.wikiHead()).toBe(head)
        const again = await world.exported("tag-stable", stableOptions(world))
        expect(again.report).toMatchObject({ ok: true, outcome: { kind: "unchanged" } })
        expect(world.wikiFile(world.page("child", stable))).toContain(digests.child)
      } finally {
        await world.stop()
      }
    },
  )
}

function stableOptions(world: PromotionWorld): readonly string[] {
  return [...world.registryLogin, ...world.wikiOptions, `--tag=${main}`, "--skip-gpu-test"]
}

/** Cuts the line to a proxy when a request comes, which is lost then. */
function cutAt(front: FaultProxy, request: Omit<FaultRule, "fault">): { readonly mend: () => void } {
  let mend: (() => void) | undefined
  const answer = () => (mend ??= cutLine(front.port))
  front.add({ times: 1, ...request, fault: { kind: "answer", answer } })
  return {
    mend: () => {
      front.reset()
      if (mend === undefined) throw new Error("the line was not cut")
      mend()
    },
  }
}
