import { existsSync } from "node:fs"
import { readdir, rm } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { OutageStack, timed } from "../../support/outageStack.js"
import { images, PromotionWorld } from "../../support/promotionWorld.js"
import { SecondEngine } from "../../support/secondEngine.js"
import type { RunningProgram } from "../../support/stack.js"
import { WrongClock } from "../../support/wrongClock.js"

const main = "2026.4-main"
const stable = "2026.4-stable"

/** What hurts an engine, on a second one whose cache lies on a small disk of its own. */
export function engineOutages(): void {
  let engine: SecondEngine
  let world: OutageStack
  let clock: WrongClock

  beforeAll(async () => {
    clock = await WrongClock.make()
    const { path } = clock
    engine = await SecondEngine.make({
      name: "outage",
      prefix: "10.92",
      registryPort: 5092,
      disk: "6g",
      path,
    })
    await up()
    world = await OutageStack.start(engine)
  })
  afterAll(async () => {
    await world.stop()
    await engine.remove()
    await clock.remove()
  })

  async function up(): Promise<void> {
    const { status, stderr } = await engine.command("up")
    expect(status, stderr).toBe(0)
  }

  /** Makes the cache's disk so small that only so many MB are left. */
  async function leave(megabytes: number): Promise<void> {
    const used = await engine.shell(`df --output=used -k '${engine.cache}' | tail -1`)
    await engine.resize(`${Number(used) + megabytes * 1024}k`)
  }

  test("killed while it pushes: the call ends with its word, what was built is not built again", async () => {
    // Random bytes: built again they would be others.
    await world.change("RUN head -c 1000000 /dev/urandom > /random")
    let killed = 0
    const call = world.begin({
      method: "PUT",
      path: /\/base\/manifests\/candidate-/,
      fault: {
        kind: "answer",
        // Not the one of before the call: which may have cleared its cache first.
        answer: () =>
          void engine.pid().then((pid) => {
            if (pid === undefined) throw new Error("no engine runs")
            killed = Date.now()
            process.kill(pid, "SIGKILL")
          }),
      },
    })
    const { status, stderr } = await call.ended
    expect(status).not.toBe(0)
    expect(Date.now() - killed).toBeLessThan(40_000)
    expect(stderr).toContain("stack: the engine has ended during the call")
    const pushed = world.stack.front.requests
      .map(({ path }) => path)
      .filter((path) => path.includes("/base/blobs/"))
    await world.expectUntouched()
    await up()
    await world.expectRepeated()
    const { layers } = await world.stack.manifest("base", "2026.4-work")
    const last = layers.at(-1)?.digest.replace("sha256:", "") ?? ""
    expect(pushed.some((path) => path.includes(last))).toBe(true)
  })

  test("its disk is full: the call says so, and with more room the same again works", async () => {
    await world.change("RUN head -c 300000000 /dev/zero > /large")
    await leave(60)
    const { status, stderr, seconds } = await timed(world.begin())
    expect(status).not.toBe(0)
    expect(seconds).toBeLessThan(180)
    expect(stderr).toMatch(/stack: the disk of the engine's cache is full, \d+ MB are free in .*\/state/)
    await world.expectUntouched()
    await engine.resize("6g")
    await world.expectRepeated()
  })

  describe("`up` that is interrupted", () => {
    const inStep = () =>
      readdir(join(engine.home, "content")).then((names) => names.some((name) => name.endsWith(".part")))
    const recorded = (name: string) => () => Promise.resolve(existsSync(join(engine.home, `run/${name}.pid`)))
    const all = (signal: NodeJS.Signals) => (call: RunningProgram) => {
      call.signal(signal)
    }
    const alone = (call: RunningProgram) => process.kill(call.pid, "SIGKILL")

    test.each([
      ["in a step, by Ctrl-C", inStep, all("SIGINT")],
      ["in a step, whose programs go on", inStep, alone],
      ["between registry and engine, killed", recorded("registry"), all("SIGKILL")],
      ["while the engine starts, killed", recorded("engine"), all("SIGKILL")],
    ])("%s: the next one makes a whole engine", async (_, moment, interrupt) => {
      await engine.command("down")
      await rm(join(engine.home, "steps/image_debian"))
      const call = engine.begin("up")
      while (!(await moment())) await pause(5)
      interrupt(call)
      expect((await call.ended).status).not.toBe(0)
      await up()
      expect((await engine.command("status")).stdout).toMatch(/^engine +running[^]*^registry +running/m)
      expect(existsSync(join(engine.home, "steps/image_debian"))).toBe(true)
      expect(await engine.shell(`find '${engine.home}' -maxdepth 2 -name '*.part'`)).toBe("")
    })

    test("afterwards a run publishes as ever", async () => {
      await world.change()
      await world.expectRepeated()
    })
  })

  test("a wrong clock in its containers: what came later is later, whatever the dates say", async () => {
    const promotion = await PromotionWorld.start(engine)
    const options = () => [...promotion.registryLogin, ...promotion.wikiOptions]
    const promote = async (offset: string, generation: string) => {
      await clock.set(offset)
      const digests = await promotion.newImages(main, generation)
      const given = [...options(), `--tag=${main}`, ...promotion.gpuLogin("--gpu-")]
      const { report } = await promotion.exported("tag-stable", given)
      expect(report).toMatchObject({ ok: true, outcome: { kind: "promoted" } })
      expect(await promotion.digests(stable)).toEqual(digests)
      const { at } = report as { readonly at: string }
      return { digests, days: Math.round((Date.parse(at) - Date.now()) / 86_400_000) }
    }
    try {
      await promote("", "1")
      const future = await promote("+400d", "2")
      expect(future.days).toBe(400)
      const past = await promote("-400d", "3")
      expect(past.days).toBe(-400)
      const status = await promotion.call("status", promotion.registryLogin)
      expect(status.stdout).toContain("One set: the promotion of 2025-")
      await clock.set("")
      const back = await promotion.exported("rollback", [...promotion.registryLogin, `--tag=${stable}`])
      expect(back.report).toMatchObject({ ok: true })
      expect(await promotion.digests(stable)).toEqual(future.digests)
      for (const name of images) {
        expect(promotion.wikiFile(promotion.page(name, stable))).toContain(past.digests[name])
      }
    } finally {
      await promotion.stop()
    }
  })

  test("a full disk can be emptied, though the engine can do nothing itself any more", async () => {
    await leave(0)
    expect(await engine.shell('eval "$(engine/engine.sh env)"; dagger query <<<"{ version }" 2>&1')).toMatch(
      /full/,
    )
    const { status, stderr } = await engine.command("prune")
    expect(status, stderr).toBe(0)
    expect(stderr).toMatch(/the cache is empty: \d+ MB are free/)
    expect((await engine.command("status")).stdout).toMatch(/^engine +running/m)
  })
}
