import { setTimeout as wait } from "node:timers/promises"
import { describe, expect, test } from "vitest"
import { Limiter } from "../../../dagger/lib/async/limiter.js"
import { startInOrder, urgencies } from "../../../dagger/lib/tree/schedule.js"

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

test("the most urgent of those that wait is next, the first to come of equals", async () => {
  const limiter = new Limiter(1)
  const order: string[] = []
  const step = (name: string, urgency?: number) =>
    limiter.run(() => {
      order.push(name)
      return Promise.resolve()
    }, urgency)
  await Promise.all([step("tests"), step("build", 3), step("first", 1), step("second", 1), step("last")])
  expect(order).toEqual(["build", "first", "second", "tests", "last"])
})

test("what follows from the end of a step competes with what waited for the same end", async () => {
  const limiter = new Limiter(1)
  const order: string[] = []
  const step = async (name: string, urgency: number) =>
    limiter.run(() => {
      order.push(name)
      return Promise.resolve()
    }, urgency)
  const root = step("root: build", 5)
  const waiting = root.then(() => step("root: tests", 2))
  // Further from the end of the build by some turns of the promises, as a child's start is.
  const child = root
    .then(() => Promise.all([]))
    .then(async () => {
      await Promise.resolve()
      return step("child: build", 3)
    })
  await Promise.all([waiting, child])
  expect(order).toEqual(["root: build", "child: build", "root: tests"])
})

describe("urgency", () => {
  const of = (tree: Readonly<Record<string, readonly string[]>>) =>
    Object.fromEntries(urgencies(Object.keys(tree), (name) => tree[name] ?? []))

  test.each([
    ["an image alone", { root: [] }, { root: { build: 3, check: 1 } }],
    [
      "a leaf's build before its parent's tests",
      { root: [], left: ["root"], right: ["root"] },
      { root: { build: 5, check: 2 }, left: { build: 3, check: 1 }, right: { build: 3, check: 1 } },
    ],
    [
      "a parent's tests before builds that fewer images wait for",
      { root: [], middle: ["root"], lower: ["middle"], leaf: ["lower"], alone: [] },
      {
        root: { build: 9, check: 4 },
        middle: { build: 7, check: 3 },
        lower: { build: 5, check: 2 },
        leaf: { build: 3, check: 1 },
        alone: { build: 3, check: 1 },
      },
    ],
    [
      "the longest of several ways",
      { a: [], b: [], below: ["a", "b"], leaf: ["below"], side: ["a"] },
      {
        a: { build: 7, check: 3 },
        b: { build: 7, check: 3 },
        below: { build: 5, check: 2 },
        leaf: { build: 3, check: 1 },
        side: { build: 3, check: 1 },
      },
    ],
  ])("%s", (_what, tree, expected) => {
    expect(of(tree)).toEqual(expected)
  })

  test("a parent outside of the order counts for nothing", () => {
    expect(of({ leaf: ["published"] })).toEqual({ leaf: { build: 3, check: 1 } })
  })
})

describe("tasks that share the turn of one step", () => {
  /** How many run at once, and that each ran once: with so many turns, of which `taken` are others'. */
  async function shared(
    limit: number,
    taken: number,
    tasks: number,
  ): Promise<readonly [number, readonly number[]]> {
    const limiter = new Limiter(limit)
    const others = Array.from({ length: taken }, () => limiter.run(() => wait(40)))
    let [running, most] = [0, 0]
    const task = (index: number) => async () => {
      most = Math.max(most, ++running)
      await wait(5)
      running -= 1
      return index
    }
    const results = await limiter.run(() =>
      limiter.share(Array.from({ length: tasks }, (_, index) => task(index))),
    )
    await Promise.all(others)
    return [most, results]
  }

  test.each([
    [1, 0, 3, 1],
    [2, 0, 3, 2],
    [4, 2, 5, 2],
    [4, 3, 3, 1],
    [8, 0, 3, 3],
  ])("%i turns, %i of them taken, %i tasks: %i at once", async (limit, taken, tasks, most) => {
    expect(await shared(limit, taken, tasks)).toEqual([
      most,
      Array.from({ length: tasks }, (_, index) => index),
    ])
  })

  test("one that fails is the failure of all, and holds up nobody", async () => {
    const limiter = new Limiter(2)
    const failing = [() => Promise.reject(new Error("one fails")), () => wait(5), () => wait(5)]
    await expect(limiter.run(() => limiter.share<unknown>(failing))).rejects.toThrow("one fails")
    expect(await Promise.all([1, 2, 3].map((each) => limiter.run(() => Promise.resolve(each))))).toEqual([
      1, 2, 3,
    ])
  })
})
