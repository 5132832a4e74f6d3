import { afterAll, beforeAll, expect, test, vi } from "vitest"
import { cutLine, killModule, processesIn } from "../../support/outage.js"
import { atRequest, OutageStack, timed, workTag } from "../../support/outageStack.js"
import { stack } from "../../support/stack.js"

const childsBlob = /\/child\/blobs\/uploads/
/** The last push before the tags. Who stops the call here holds it up: what is stopped could be done before it knows. */
const childsCandidate = /\/child\/manifests\/candidate-/
const aTag = new RegExp(`/manifests/${workTag}`)

/** A registry that restarts, a module's process that is killed, a user who has enough. */
export function publishingOutages(): void {
  let world: OutageStack

  beforeAll(async () => {
    world = await OutageStack.start()
  })
  afterAll(() => world.stop())

  test("a registry that restarts while images are pushed, and is not there meanwhile: tried again", async () => {
    await world.change()
    const restart = async () => {
      const mend = cutLine(world.stack.front.port, "refused")
      await world.stack.registry.restart(3000)
      mend()
    }
    const { status, stderr } = await world.begin(atRequest("PUT", childsBlob, restart)).ended
    expect(status, stderr.slice(-2000)).toBe(0)
    expect(stderr).toContain("publish: the registry refuses connections; again in 1 s")
    expect(Object.values((await world.expectRepeated()).actions)).not.toContain("build")
  })

  test("a module's process that is killed for memory: no tag moves, what was pushed is taken up", async () => {
    await world.change()
    let killed = false
    const kill = () => {
      if (!killed) killModule(world.stack.front.port)
      killed = true
    }
    // Both tags are written at the same time, and both requests are lost.
    const { status, stderr } = await world.begin({ ...atRequest("PUT", aTag, kill), times: 2 }).ended
    expect(status).toBe(137)
    expect(stderr).toContain(
      "stack: a process of the call was killed, as the kernel does when memory is short",
    )
    await world.expectUntouched()
    expect(Object.values((await world.expectRepeated()).actions)).not.toContain("build")
  })

  test("the same between two tags: one has moved; the next run moves the other", async () => {
    await world.change()
    const kill = () => {
      killModule(world.stack.front.port)
    }
    const { status } = await world.begin(atRequest("PUT", aTag, kill, 1)).ended
    expect(status).toBe(137)
    expect(Object.values((await world.expectRepeated()).actions)).not.toContain("build")
  })

  test("a registry that refuses the second tag: the first names again what it named before", async () => {
    await world.change()
    const path = new RegExp(`/child/manifests/${workTag}`)
    const { status, stdout } = await world.begin({
      method: "PUT",
      path,
      times: 5,
      fault: { kind: "status", status: 403 },
    }).ended
    expect(status).not.toBe(0)
    expect(stdout).toMatch(/child:2026\.4-work: PUT .* 403 denied/)
    expect(stdout).toMatch(/1 of 2 images not good in .*; published: nothing/)
    await world.expectUntouched()
    await world.expectRepeated()
  })

  test("Ctrl-C: the call ends at once, no tag moves, the engine stays", async () => {
    await world.change()
    const engine = await stack(["engine", "pid"], { cwd: world.stack.folder })
    let pressed = 0
    const call = world.begin({
      method: "PUT",
      path: childsCandidate,
      fault: {
        kind: "first",
        act: () => {
          pressed = Date.now()
          call.signal("SIGINT")
          return call.ended
        },
      },
    })
    const { status } = await call.ended
    expect(status).not.toBe(0)
    expect(Date.now() - pressed).toBeLessThan(10_000)
    expect(await stack(["engine", "pid"], { cwd: world.stack.folder })).toEqual(engine)
    await world.expectUntouched()
    await world.expectRepeated()
  })

  // With the test's own `expect`: beside other tests the imported one does not know whose poll it is.
  test.for(["SIGTERM", "SIGKILL"] as const)(
    "%s to ./stack alone: nothing of the call goes on",
    async (signal, { expect }) => {
      await world.change()
      const nobodyIsLeft = () => processesIn(world.stack.folder).length === 0
      const call = world.begin({
        method: "PUT",
        path: childsCandidate,
        fault: {
          kind: "first",
          act: async () => {
            process.kill(call.pid, signal)
            await call.ended
            // What ./stack has started ends a moment after it; whether it does is asked below.
            await vi.waitUntil(nobodyIsLeft, { timeout: 15_000 }).catch(() => undefined)
          },
        },
      })
      const { seconds } = await timed(call)
      expect(seconds).toBeLessThan(60)
      await expect.poll(() => processesIn(world.stack.folder), { timeout: 15_000 }).toEqual([])
      await world.expectUntouched()
      await world.expectRepeated()
    },
  )
}
