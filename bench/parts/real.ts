import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { readPlan } from "../../dagger/src/plan/planDocument.js"
import { checkout, removeFolder, run, stack, workspace } from "../../tests/support/stack.js"
import { ReadReport } from "../../tests/support/testImages.js"
import { runFigures, runSection, timelineSection } from "../coldRun.js"
import { timed } from "../measure.js"
import type { BenchPart } from "../part.js"
import { freshWord } from "../trees.js"

/** The root of the real tree: what comes from no cache there comes from none in its children. */
const rootDockerfile = "images/datascience-notebook/Dockerfile"
const patience = 3_600_000

/** This repository's own images, of which nothing is cached. */
export const real: BenchPart = {
  name: "real",
  summary: "the real stack of which nothing is cached: a quarter of an hour or more",
  needsEngine: true,
  onlyByName: true,
  run: async function* ({ say }) {
    const folder = await workspace({}, { git: false })
    try {
      say("building and testing the real stack ...")
      await cloneAfresh(join(folder, "clone"))
      const call = ["build-stack", "--source=.", "--branch=bench", "artifacts", "export", "--path=out"]
      const { result, milliseconds } = await timed(() =>
        stack(call, { cwd: join(folder, "clone"), timeout: patience }),
      )
      if (result.status !== 0) throw new Error(result.stderr.slice(-2000))
      const { report } = await ReadReport.from(join(folder, "clone/out"))
      const plan = readPlan(await readFile(join(folder, "clone/out/plan.json"), "utf8"))
      yield runSection("The real stack, cold", [runFigures({ report, plan, milliseconds })])
      yield timelineSection("Steps of the real stack", report)
    } finally {
      await removeFolder(folder)
    }
  },
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
