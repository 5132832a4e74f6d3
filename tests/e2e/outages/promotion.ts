import { isDeepStrictEqual } from "node:util"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { FaultRule } from "../../support/faultProxy.js"
import { killModule, modulesConnectedTo } from "../../support/outage.js"
import { atRequest } from "../../support/outageStack.js"
import type { Digests } from "../../support/promotionWorld.js"
import { PromotionWorld, images } from "../../support/promotionWorld.js"
import type { Ended } from "../../support/stack.js"

const main = "2026.4-main"
const stable = "2026.4-stable"
const aTag = /\/manifests\/2026/

/** A promotion that is killed, and a registry that restarts under it. */
export function promotionOutages(): void {
  let world: PromotionWorld
  let before: Digests
  let next: Digests
  let generation = 0

  beforeAll(async () => {
    world = await PromotionWorld.start()
    next = await world.newImages(main, "0")
    await world.exported("tag-stable", options())
  })
  afterAll(() => world.stop())

  const options = () => [...world.registryLogin, ...world.wikiOptions, `--tag=${main}`, "--skip-gpu-test"]
  const kill = () => {
    killModule(world.front.port)
  }

  /** Promotes other images than those before; the call meets a rule at the registry. */
  async function promoteAt(rule: FaultRule): Promise<Ended> {
    // A test that is tried once more finds what its first try has left.
    if (!isDeepStrictEqual(await world.digests(stable), next)) await world.exported("tag-stable", options())
    before = next
    generation += 1
    next = await world.newImages(main, String(generation))
    world.front.add({ times: 1, ...rule })
    const ended = await world.call("tag-stable", options())
    world.front.reset()
    world.wikiFront.reset()
    return ended
  }

  async function expectWhole(): Promise<void> {
    expect(await world.digests(stable)).toEqual(next)
    for (const name of images) expect(world.wikiFile(world.page(name, stable))).toContain(next[name])
  }

  async function expectRepeated(outcome: string): Promise<void> {
    const again = await world.exported("tag-stable", options())
    expect(again.report).toMatchObject({ ok: true, outcome: { kind: outcome } })
    await expectWhole()
  }

  test("killed between the journal and the tags: no tag has moved", async () => {
    const { status } = await promoteAt(atRequest("PUT", aTag, kill))
    expect(status).toBe(137)
    expect(await world.digests(stable)).toEqual(before)
    await expectRepeated("promoted")
  })

  test("killed between two tags: the status says so, the same again completes, a rollback takes back both", async () => {
    const { status } = await promoteAt(atRequest("PUT", aTag, kill, 1))
    expect(status).toBe(137)
    expect(await world.digests(stable)).toEqual({ base: next.base, child: before.child })
    const { stdout } = await world.call("status", world.registryLogin)
    expect(stdout).toContain("was interrupted: run it again, or a rollback")
    await expectRepeated("promoted")
    const back = await world.exported("rollback", [...world.registryLogin, `--tag=${stable}`])
    expect(back.report).toMatchObject({ ok: true })
    expect(await world.digests(stable)).toEqual(before)
    next = before
  })

  test("killed before the wiki has it: the same again writes the pages, in one commit", async () => {
    let modules: readonly number[] = []
    const remember = () => {
      modules = modulesConnectedTo(world.front.port)
      return Promise.resolve()
    }
    const killThem = () => {
      for (const module of modules) process.kill(module, "SIGKILL")
      // Git asks again on another connection.
      modules = []
    }
    world.wikiFront.add(atRequest("POST", /receive-pack/, killThem))
    const heads = () => world.wiki.git("team/stack.wiki.git", "rev-list", "--count", "HEAD").trim()
    const { status } = await promoteAt({
      method: "PUT",
      path: aTag,
      fault: { kind: "first", act: remember },
    })
    expect(status).toBe(137)
    expect(await world.digests(stable)).toEqual(next)
    const count = Number(heads())
    await expectRepeated("unchanged")
    expect(Number(heads())).toBe(count + 1)
  })

  test("a registry that restarts at once is asked again: nobody notices", async () => {
    const restart = () => void world.registry.restart(0)
    const { status, stdout, stderr } = await promoteAt(atRequest("PUT", aTag, restart, 1))
    expect(status, stderr.slice(-2000)).toBe(0)
    expect(stdout).toContain("try 1 of 5 failed")
    await expectWhole()
  })

  test("a registry that is away for longer: which tags have moved is told, the same again completes", async () => {
    let back: Promise<void> | undefined
    const stop = () => (back = world.registry.restart(25_000))
    const { status, stdout } = await promoteAt(atRequest("PUT", aTag, stop, 1))
    expect(status).toBe(1)
    expect(stdout).toContain("Run the same again to finish it, or a rollback to take it back")
    await back
    await expectRepeated("promoted")
  })
}
