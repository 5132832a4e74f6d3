import { childImage, rootImage } from "../../tests/support/fixtureStacks.js"
import type { StackImage } from "../../tests/support/source.js"
import { stackFiles } from "../../tests/support/source.js"
import { removeFolder, stack, workspace, writeFiles } from "../../tests/support/stack.js"
import { serverLines, serverProgram } from "../../tests/support/testImages.js"
import { formatRatio, formatSeconds, formatSpread, inTurns, median, timed } from "../measure.js"
import type { BenchPart, Section, Settings } from "../part.js"
import { freshWord } from "../trees.js"

/** Seconds that the tests of each folder sleep, and that a server's test does. */
const seconds = 4
const leaves = ["one", "two", "three"] as const
/** Folders that run: two in the base, three and a server's in each leaf. */
const suites = 2 + 4 * leaves.length

/**
 * Tests that only wait: what runs beside each other is seen on any machine, since no core is needed for it. The folders
 * of an image, those of its siblings and their servers share the places of `--parallel`.
 */
export const beside: BenchPart = {
  name: "beside",
  summary: "tests that sleep, in folders of one image and of siblings, with --parallel=1, 2, 4 and 8",
  needsEngine: true,
  run: async function* (settings) {
    const folder = await workspace(filesOf())
    try {
      yield await measure(settings, folder)
    } finally {
      await removeFolder(folder)
    }
  },
}

const sleeping = (word: string) => `import time\ndef test_sleep(): time.sleep(${seconds})\n# ${word}\n`

function filesOf(): ReturnType<typeof stackFiles> {
  const leaf: StackImage = {
    ...childImage("leaf", "base", serverLines.slice(1), {
      "test/test_sleep.py": sleeping("leaf"),
      "integration_tests/test_sleep.py": sleeping("server"),
    }),
    integration_tests: true,
  }
  return stackFiles({
    base: rootImage("base", [serverLines[0] ?? ""], {
      "server.py": serverProgram,
      "test/test_sleep.py": sleeping("base"),
    }),
    ...Object.fromEntries(leaves.map((name) => [name, leaf])),
  })
}

async function measure({ repeats, say }: Settings, folder: string): Promise<Section> {
  say(`${repeats} rounds of runs in which all tests run ...`)
  const all = async (parallel: number) => {
    // What all tests may import: nothing that passed before counts.
    await writeFiles(folder, { "images/tests_common/test_sleep.py": sleeping(freshWord()) })
    const words = ["build-stack", "--source=.", "--branch=main", `--parallel=${parallel}`]
    const { result, milliseconds } = await timed(() => stack(words, { cwd: folder }))
    if (result.status !== 0) throw new Error(result.stderr.slice(-2000))
    return milliseconds
  }
  const figures = await inTurns(repeats, {
    "1": () => all(1),
    "2": () => all(2),
    "4": () => all(4),
    "8": () => all(8),
  })
  const serial = median(figures["1"])
  return {
    title: "Tests beside each other",
    header: ["--parallel", "median", "from, to", "times that of 1"],
    rows: Object.entries(figures).map(([parallel, times]) => [
      parallel,
      formatSeconds(median(times)),
      formatSpread(times),
      formatRatio(median(times) / serial),
    ]),
    notes: [
      `${suites} folders of tests in four images, three of them siblings with a server each; every one sleeps ${seconds} s. The images come from the cache.`,
    ],
    goals: [],
  }
}
