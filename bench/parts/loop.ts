import type { Files, StackImage } from "../../tests/support/source.js"
import { stackFiles } from "../../tests/support/source.js"
import { childImage, rootImage } from "../../tests/support/fixtureStacks.js"
import { removeFolder, stack, workspace, writeFiles } from "../../tests/support/stack.js"
import { serverLines, serverProgram } from "../../tests/support/testImages.js"
import { formatSeconds, formatSpread, inTurns, median, timed } from "../measure.js"
import type { BenchPart, Section, Settings } from "../part.js"
import { atMost } from "../part.js"
import { freshWord } from "../trees.js"
import { emptyModule } from "./calls.js"

/** Seconds that the tests of each folder sleep: a large inherited part, and a small own one. */
const seconds = { common: 8, base: 4, leaf: 2, one: 1 } as const

const serverTest = `
import os, requests
def test_server(): assert requests.get(os.environ["STACK_SERVER_URL"]).status_code == 403
`

/** What people wait for who change a test and call again: nothing is published, no registry is asked. */
export const loop: BenchPart = {
  name: "loop",
  summary: "the second run: nothing changed, one test changed, one test alone, a report shown again",
  needsEngine: true,
  run: async function* (settings) {
    const empty = await workspace(emptyModule, { git: false })
    const folder = await workspace(filesOf(sleepingStack()))
    try {
      yield await measure(settings, empty, folder)
    } finally {
      await removeFolder(empty)
      await removeFolder(folder)
    }
  },
}

function sleepingStack(): Readonly<Record<string, StackImage>> {
  const leaf = childImage("leaf", "base", serverLines.slice(1), {
    "test/test_sleep.py": sleeping(seconds.leaf),
    "test/test_one.py": `import time\ndef test_alone(): time.sleep(${seconds.one})\n`,
    "integration_tests/test_server.py": serverTest,
  })
  return {
    base: rootImage("base", [serverLines[0] ?? "", `RUN echo ${freshWord()}`], {
      "server.py": serverProgram,
      "test/test_sleep.py": sleeping(seconds.base),
    }),
    leaf: { ...leaf, integration_tests: true },
  }
}

function filesOf(images: Readonly<Record<string, StackImage>>): Files {
  return { ...stackFiles(images), "images/tests_common/test_sleep.py": sleeping(seconds.common) }
}

function sleeping(time: number, word = ""): string {
  return `import time\ndef test_sleep(): time.sleep(${time})\n# ${word}\n`
}

async function measure({ repeats, say }: Settings, empty: string, folder: string): Promise<Section> {
  const call = (...args: readonly string[]) => time(args, folder)
  say("the first run of two images ...")
  const first = await call("build-stack")
  say(`${repeats} rounds of calls ...`)
  const figures = await inTurns(repeats, {
    "empty function of an empty module": () => call(`--mod=${empty}`, "nothing"),
    "`build-stack` again, nothing changed": () => call("build-stack"),
    "a test of the leaf changed": async () => {
      await writeFiles(folder, { "images/leaf/test/test_sleep.py": sleeping(seconds.leaf, freshWord()) })
      return call("build-stack")
    },
    "`test-image --filter` of one test": () => call("test-image", "--image=leaf", "--filter=test_alone"),
    "`last`, the report shown again": () => call("last", "build-stack"),
  })
  return section(first, figures)
}

async function time(args: readonly string[], cwd: string): Promise<number> {
  const { result, milliseconds } = await timed(() => stack(args, { cwd }))
  if (result.status !== 0) throw new Error(result.stderr.slice(-2000))
  return milliseconds
}

function section(first: number, figures: Readonly<Record<string, readonly number[]>>): Section {
  const [empty = 0, again = 0, changed = 0, one = 0, last = 0] = Object.values(figures).map(median)
  const own = (seconds.leaf + seconds.one) * 1000
  return {
    title: "The second run",
    header: ["call", "median", "from, to", "above empty"],
    rows: [
      ["`build-stack`, the first time", formatSeconds(first), "", formatSeconds(first - empty)],
      ...Object.entries(figures).map(([what, times]) => [
        what,
        formatSeconds(median(times)),
        formatSpread(times),
        formatSeconds(median(times) - empty),
      ]),
    ],
    notes: [
      `Tests sleep: common ${seconds.common} s, those of the base ${seconds.base} s, of the leaf ${seconds.leaf + seconds.one} s; the leaf's server has a test, too.`,
    ],
    goals: [
      atMost("the same again, above an empty call", again - empty, 5000, formatSeconds),
      atMost(
        "a changed test, above an empty call and that folder's tests",
        changed - empty - own,
        6000,
        formatSeconds,
      ),
      atMost(
        "one test, above an empty call and the test",
        one - empty - seconds.one * 1000,
        4000,
        formatSeconds,
      ),
      atMost("a report shown again", last, 4000, formatSeconds),
    ],
  }
}
