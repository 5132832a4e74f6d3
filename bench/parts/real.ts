import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { readPlan } from "../../dagger/lib/plan/planDocument.js"
import { checkout, removeFolder, run, stack, workspace } from "../../tests/support/stack.js"
import { ReadReport } from "../../tests/support/testImages.js"
import type { FinishedRun } from "../coldRun.js"
import { oneByOne, runFigures, runSection, timelineSection } from "../coldRun.js"
import { timed } from "../measure.js"
import { allEnded } from "../outcome.js"
import type { BenchPart } from "../part.js"
import { freshWord } from "../trees.js"

/** The root of the real tree: what comes from no cache there comes from none in its children. */
const rootDockerfile = "images/datascience-notebook/Dockerfile"
const patience = 3_600_000

/** This repository's own images, of which nothing is cached. */
export const real: BenchPart = {
  name: "real",
  summary: "the real stack of which nothing is cached: half an hour",
  needsEngine: true,
  onlyByName: true,
  run: async function* ({ say }) {
    say("building and testing the real stack ...")
    const run = await coldRun()
    say("the same, one step after another ...")
    const serialRun = await coldRun(oneByOne)
    const pair = { run: runFigures(run), serialRun: runFigures(serialRun) }
    yield runSection("The real stack, cold", [pair])
    yield timelineSection("Steps of the real stack", run.report)
  },
}

async function coldRun(...options: readonly string[]): Promise<FinishedRun> {
  const folder = await workspace({}, { git: false })
  const clone = join(folder, "clone")
  try {
    await cloneAfresh(clone)
    const words = ["build-stack", "--source=.", "--branch=bench", ...options]
    const call = [...words, "artifacts", "export", "--path=out"]
    const { result: ended, milliseconds } = await timed(() => stack(call, { cwd: clone, timeout: patience }))
    if (ended.status !== 0) throw new Error(ended.stderr.slice(-2000))
    const { report } = await ReadReport.from(join(clone, "out"))
    const plan = readPlan(await readFile(join(clone, "out/plan.json"), "utf8"))
    return allEnded("passed", { report, plan, milliseconds, ended })
  } finally {
    await removeFolder(folder)
  }
}

/** A clone of which the engine has seen no line: a fresh word stands before the first step. */
async function cloneAfresh(folder: string): Promise<void> {
  await run("git", ["clone", "--quiet", checkout, folder], { cwd: checkout })
  const path = join(folder, rootDockerfile)
  const text = await readFile(path, "utf8")
  await writeFile(
    path,
    text.replace(/^FROM .*$/m, (from) => `${from}\nRUN echo ${freshWord()}`),
  )
}
