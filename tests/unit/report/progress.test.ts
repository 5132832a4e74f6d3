import { expect, test } from "vitest"
import { Progress } from "../../../dagger/src/run/progress.js"

test("a line when a step begins and ends, with what else is running, and one a minute in silence", () => {
  const lines: string[] = []
  const progress = new Progress(3, (line) => lines.push(line))
  const build = progress.begin("left", "build")
  const tests = progress.begin("base", "tests")
  build(700)
  progress.end()
  const now = Date.now()
  progress.tick(now + 59_000)
  progress.tick(now + 61_000)
  progress.tick(now + 62_000)
  tests(61_000)
  progress.tick(now + 200_000)
  expect(lines).toEqual([
    "left: build ...",
    "base: tests ...",
    "left: build took 700 ms (running: base tests)",
    expect.stringMatching(/^still running: base tests \(1 min 01 s\); 1 of 3 images done$/),
    "base: tests took 1 min 01 s",
  ])
})
