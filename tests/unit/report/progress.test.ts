import { expect, test } from "vitest"
import { Progress } from "../../../dagger/lib/run/progress.js"

/** Lines of a run, whose steps tell by their spans how far they are. */
function follow(images: number, told: ReadonlyMap<string, string> = new Map()) {
  const lines: string[] = []
  const counts = { refresh: () => Promise.resolve(), describe: (span: string) => told.get(span) }
  return { lines, progress: new Progress(images, (line) => lines.push(line), counts) }
}

test("a line when a step begins and ends, with what else is running, and one a minute in silence", async () => {
  const { lines, progress } = follow(3)
  const build = progress.begin("left", "build")
  const tests = progress.begin("base", "tests")
  build.end(700)
  progress.end()
  const now = Date.now()
  await progress.look(now + 59_000)
  await progress.look(now + 61_000)
  await progress.look(now + 62_000)
  tests.end(61_000)
  await progress.look(now + 200_000)
  expect(lines).toEqual([
    "left: build ...",
    "base: tests ...",
    "left: build took 700 ms (running: base tests)",
    expect.stringMatching(/^still running: base tests \(1 min 01 s\); 1 of 3 images done$/),
    "base: tests took 1 min 01 s",
  ])
})

test("how far a long step is: when it has changed, not more than four times a minute, at a terminal at once", async () => {
  const told = new Map<string, string>()
  const { lines, progress } = follow(2, told)
  const shown: string[] = []
  const build = progress.begin("left", "build")
  const tests = progress.begin("base", "tests")
  tests.follow({ span: "a", show: (count) => shown.push(count) })
  const now = Date.now()
  for (let second = 5; second <= 30; second += 5) {
    told.set("a", `${second} of 40 done`)
    await progress.look(now + second * 1000 + 100)
  }
  await progress.look(now + 120_000)
  build.end(100)
  expect(lines.slice(2)).toEqual([
    "base: tests: 15 of 40 done",
    "base: tests: 30 of 40 done",
    "still running: left build (2 min 00 s), base tests (30 of 40 done; 2 min 00 s); 0 of 2 images done",
    "left: build took 100 ms (running: base tests (30 of 40 done))",
  ])
  expect(shown).toHaveLength(6)
})

test("a step of three hours that counts every five seconds takes less than 80 lines", async () => {
  const told = new Map<string, string>()
  const { lines, progress } = follow(1, told)
  progress.begin("base", "tests").follow({ span: "a", show: () => undefined })
  const now = Date.now()
  for (let second = 5; second <= 3 * 3600; second += 5) {
    told.set("a", `${second} of 20000 done`)
    await progress.look(now + second * 1000)
  }
  expect(lines.length).toBeGreaterThan(30)
  expect(lines.length).toBeLessThan(80)
})
