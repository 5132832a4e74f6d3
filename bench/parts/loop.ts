import { readFile, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import type { Files, StackImage } from "../../tests/support/source.js"
import { stackFiles } from "../../tests/support/source.js"
import { childImage, rootImage } from "../../tests/support/fixtureStacks.js"
import { checkout, removeFolder, run, stack, workspace } from "../../tests/support/stack.js"
import { serverLines, serverProgram } from "../../tests/support/testImages.js"
import { formatRatio, formatSeconds, formatSpread, inTurns, median, timed } from "../measure.js"
import type { BenchPart, Section, Settings } from "../part.js"
import { atMost } from "../part.js"
import { freshWord } from "../trees.js"
import { emptyModule } from "./calls.js"

/** A stack whose images are built and tested, and what is changed in it. */
interface Subject {
  readonly title: string
  readonly folder: string
  /** An image at the end of the tree. */
  readonly leaf: string
  /** Its test file that is changed, below the folder of images. */
  readonly file: string
  /** What `--filter` selects one test by, of these folders below the folder of images. */
  readonly filter: string
  readonly folders: readonly string[]
  readonly notes: readonly string[]
}

/** What people wait for who change a test and call again: nothing is published, no registry is asked. */
export const loop: BenchPart = {
  name: "loop",
  summary: "the second run: nothing changed, one test changed, one test alone, a failed report shown again",
  needsEngine: true,
  run: (settings) =>
    measured(settings, async () => ({
      title: "The second run",
      folder: await workspace(filesOf(sleepingStack())),
      leaf: "leaf",
      file: "leaf/test/test_sleep.py",
      filter: "test_alone",
      folders: ["tests_common", "base/test", "leaf/test"],
      notes: [
        `Tests sleep: common ${seconds.common} s, those of the base ${seconds.base} s, of the leaf ${seconds.leaf} and ${seconds.one} s; the leaf's server has a test, too.`,
      ],
    })),
}

/** The same of this repository's own images. */
export const realLoop: BenchPart = {
  name: "real-loop",
  summary: "the second run of the real stack, which is built before where it is not cached",
  needsEngine: true,
  onlyByName: true,
  run: (settings) =>
    measured(settings, async () => {
      const folder = await workspace({}, { git: false })
      await run("git", ["clone", "--quiet", checkout, folder], { cwd: checkout })
      return {
        title: "The second run of the real stack",
        folder,
        leaf: "rstudio-notebook",
        file: "rstudio-notebook/test/test_rstudio.py",
        filter: "test_package_is_installed",
        folders: ["tests_common", "datascience-notebook/test", "rstudio-notebook/test"],
        notes: [],
      }
    }),
}

/** Seconds that the tests of each folder sleep: a large inherited part, and a small own one. */
const seconds = { common: 8, base: 4, leaf: 2, one: 1 } as const

const serverTest = `
import os, requests
def test_server(): assert requests.get(os.environ["STACK_SERVER_URL"]).status_code == 403
`

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

function sleeping(time: number): string {
  return `import time\ndef test_sleep(): time.sleep(${time})\n`
}

async function* measured(settings: Settings, make: () => Promise<Subject>): AsyncIterable<Section> {
  const empty = await workspace(emptyModule, { git: false })
  const subject = await make()
  try {
    yield await measure(settings, empty, subject)
  } finally {
    await removeFolder(empty)
    await removeFolder(subject.folder)
  }
}

/** Of an hour: the real stack may have to be built. */
const patience = 3_600_000

const rows = {
  empty: "empty function of an empty module",
  again: "`build-stack` again, nothing changed",
  changed: "`build-stack`, a test file of the leaf changed",
  one: "`test-image --filter` of one test",
  shown: "`last`: a failed run shown again",
  plainFolder: "plain pytest of the changed file's folder, in the image",
  plainOne: "plain pytest of the one test, selected by `-k`, in the image",
} as const

async function measure({ repeats, say }: Settings, empty: string, subject: Subject): Promise<Section> {
  const { folder, leaf, file, filter, folders } = subject
  const path = join(folder, "images", file)
  const text = await readFile(path, "utf8")
  const call = (...args: readonly string[]) => time(args, folder, 0)
  // The main branch: elsewhere git would find that images without a change are not needed.
  const build = ["build-stack", "--source=.", "--branch=main"] as const
  say("the first run ...")
  const first = await call(...build)
  say(`${repeats} rounds of calls ...`)
  const figures = await inTurns(repeats, {
    empty: () => call(`--mod=${empty}`, "nothing"),
    again: () => call(...build),
    changed: async () => {
      await writeFile(path, `${text}\n# ${freshWord()}\n`)
      return call(...build)
    },
    one: () => call("test-image", "--source=.", `--image=${leaf}`, `--filter=${filter}`),
    shown: async () => {
      await writeFile(path, `${text}\n\ndef test_fails(): assert ${Date.now()} == 0\n`)
      await time(build, folder, 1)
      return time(["last", "build-stack", "--source=."], folder, 1)
    },
    plainFolder: async () => {
      await writeFile(path, text)
      return plainPytest(subject, [dirname(file)])
    },
    plainOne: () => plainPytest(subject, folders, filter),
  })
  return section(subject, first, figures)
}

async function time(args: readonly string[], cwd: string, status: number): Promise<number> {
  const { result, milliseconds } = await timed(() => stack(args, { cwd, timeout: patience }))
  if (result.status !== status) throw new Error(`${args.join(" ")}: ${result.stderr.slice(-2000)}`)
  return milliseconds
}

/**
 * Milliseconds of `python3 -m pytest` in a container of the image, as `docker run IMAGE` would start it, with what the
 * folders of tests import from each other.
 */
async function plainPytest(
  { folder, leaf }: Subject,
  folders: readonly string[],
  filter = "",
): Promise<number> {
  const paths = folders.map((each) => `/stack/tests/${each}`).join(" ")
  // Without double quotes and commas, which the CLI takes for those of a list in CSV.
  const script = `: ${freshWord()}; s=$(date +%s%N); PYTHONPATH=/stack/tests python3 -m pytest -q -p no:cacheprovider --import-mode=importlib -k '${filter}' ${paths} >&2 || exit 1; echo $((($(date +%s%N) - s) / 1000000))`
  const words = ["with-exec", "--args=sh", "--args=-c", `--args=${script}`, "stdout"]
  const ended = await stack(["shell", "--source=.", `--image=${leaf}`, ...words], { cwd: folder })
  const found = Number.parseInt(ended.stdout, 10)
  if (ended.status !== 0 || Number.isNaN(found)) throw new Error(ended.stderr.slice(-2000))
  return found
}

function section(
  { title, notes }: Subject,
  first: number,
  figures: Readonly<Record<keyof typeof rows, readonly number[]>>,
): Section {
  const empty = median(figures.empty)
  const changed = median(figures.changed) - median(figures.plainFolder)
  const one = median(figures.one) - median(figures.plainOne)
  return {
    title,
    header: ["call", "median", "from, to", "above empty", "times empty"],
    rows: [
      [
        "`build-stack`, the first time",
        formatSeconds(first),
        "",
        formatSeconds(first - empty),
        formatRatio(first / empty),
      ],
      ...Object.entries(figures).map(([key, times]) => [
        rows[key as keyof typeof rows],
        formatSeconds(median(times)),
        formatSpread(times),
        formatSeconds(median(times) - empty),
        formatRatio(median(times) / empty),
      ]),
    ],
    notes: [
      ...notes,
      "Plain pytest is timed inside a container that runs already: neither start nor call are counted.",
    ],
    goals: [
      atMost("the same again, above an empty call", median(figures.again) - empty, 5000, formatSeconds),
      atMost("a changed test file, above plain pytest of its folder", changed, 6000, formatSeconds),
      atMost("one test, above plain pytest of it", one, 4000, formatSeconds),
      atMost("a failed run shown again", median(figures.shown), 4000, formatSeconds),
    ],
  }
}
