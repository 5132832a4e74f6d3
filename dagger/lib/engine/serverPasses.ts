import { CacheVolume, dag } from "@dagger.io/dagger"
import { hashOf } from "../plan/inputKey.js"
import { judgeTests, parseTestRun } from "../testing/testRun.js"
import { borderContainer, foreignFolder, takeFrom } from "./border.js"
import type { IntegrationResult } from "./integrationTests.js"
import { directoryOf } from "./textFiles.js"

/*
 * Passes of tests against a server, kept by the engine: a volume for each, which the engine clears away when its cache
 * is full. The container with the browser cannot come from the engine's own cache as tests inside an image do: its
 * record would outlive that of the server's image. Nothing but a pass is kept.
 */

/** Most of a kept pass that is read, in bytes of a text. */
const keptBytes = 96 << 20
const wantedTexts = ["results.json", "output.log", "server.log", "notices.json"] as const

/** Name of a pass, made of all that it depends on. */
export function serverPassKey(terms: readonly unknown[]): string {
  return hashOf(["server-pass/2", ...terms])
}

/**
 * The pass of that name, where there is one.
 * @param runId fresh for every run: the engine would answer with what it read the last time
 * @throws Error where the engine fails, or what is kept is no pass
 */
export async function recallServerPass(key: string, runId: string): Promise<IntegrationResult | undefined> {
  const reader = borderContainer()
    .withMountedCache(foreignFolder, volumeOf(key))
    .withEnvVariable("STACK_RUN", runId)
    .withEnvVariable("STACK_STEP", "recall")
  const texts = wantedTexts.map((name) => ({ name, bytes: keptBytes, whole: true }))
  const taken = await takeFrom(reader, { texts, files: "files" })
  const [results, log = "", serverLog = "", said = "[]"] = wantedTexts.map((name) => taken.texts.get(name))
  if (results === undefined) return undefined
  const run = parseTestRun(results)
  if (judgeTests(run).kind !== "passed") throw new Error("what is kept of the server's tests is no pass")
  const { files } = taken
  const notices = JSON.parse(said) as readonly string[]
  return { run, log, serverLog, notices, ...(files !== undefined && { files }) }
}

/** Keeps a pass. @throws Error where the engine fails */
export async function keepServerPass(key: string, pass: IntegrationResult, runId: string): Promise<void> {
  const { run, log, serverLog, notices, files } = pass
  const texts = await directoryOf(
    new Map([
      ["results.part", JSON.stringify(run)],
      ["output.log", log],
      ["server.log", serverLog],
      ["notices.json", JSON.stringify(notices)],
    ]),
  )
  const kept = files === undefined ? texts : texts.withDirectory("files", files)
  // The results come last: without them there is no pass.
  const copy = "cp -r /stack/kept/. /stack/pass/ && mv /stack/pass/results.part /stack/pass/results.json"
  await borderContainer()
    .withMountedCache("/stack/pass", volumeOf(key))
    .withMountedDirectory("/stack/kept", kept)
    .withEnvVariable("STACK_RUN", runId)
    .withExec(["sh", "-c", copy])
    .sync()
}

function volumeOf(key: string): CacheVolume {
  return dag.cacheVolume(`stack-server-pass-${key}`)
}
