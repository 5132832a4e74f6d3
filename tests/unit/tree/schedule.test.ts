import { setTimeout as wait } from "node:timers/promises"
import { expect, test } from "vitest"
import { Limiter, startInOrder } from "../../../dagger/src/tree/schedule.js"

const parents: Record<string, string[]> = { left: ["root"], right: ["root"], leaf: ["left"] }

test("a child starts when its parents have ended, beside its parent's siblings", async () => {
  const events: string[] = []
  const duration: Record<string, number> = { root: 5, left: 5, right: 60, leaf: 5 }
  const tasks = startInOrder<string>(
    ["root", "left", "right", "leaf"],
    (name) => parents[name] ?? [],
    async (name, above) => {
      events.push(`start ${name} after ${above.join()}`)
      await wait(duration[name])
      events.push(`end ${name}`)
      return name
    },
  )
  expect(await Promise.all(tasks.values())).toEqual(["root", "left", "right", "leaf"])
  expect(events).toContain("start leaf after left")
  expect(events.indexOf("end leaf")).toBeLessThan(events.indexOf("end right"))
  expect(events[0]).toBe("start root after ")
})

test("a parent outside of the order is not waited for", async () => {
  const tasks = startInOrder<string>(
    ["leaf"],
    () => ["published"],
    (name, above) => Promise.resolve(`${name}${above.length}`),
  )
  expect(await tasks.get("leaf")).toBe("leaf0")
})

test("no more steps run at once than allowed, and none is lost when one fails", async () => {
  const limiter = new Limiter(2)
  let running = 0
  let most = 0
  const step = (index: number) =>
    limiter.run(async () => {
      most = Math.max(most, ++running)
      await wait(3)
      running -= 1
      if (index === 3) throw new Error("one fails")
      return index
    })
  const ended = await Promise.allSettled(Array.from({ length: 10 }, (_, index) => step(index)))
  expect(most).toBe(2)
  expect(ended.filter(({ status }) => status === "fulfilled")).toHaveLength(9)
})
