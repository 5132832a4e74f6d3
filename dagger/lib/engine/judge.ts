import { dag, Directory } from "@dagger.io/dagger"
import { hashOf } from "../plan/inputKey.js"
import { judgeVersion } from "../testing/testRun.js"
import { directoryOf } from "./textFiles.js"

/** What the container is made of in which tests run against a server. */
export const runnerImage = "debian:bookworm-slim"
/** Packages of the runner: a browser with its driver from the same build, and what tests are written with. */
export const runnerPackages = [
  "chromium",
  "chromium-driver",
  "fonts-dejavu-core",
  "python3-pytest",
  "python3-requests",
  "python3-selenium",
  "python3-websocket",
]

/**
 * The programs that run tests inside images, for `/stack/testing`. Made of texts: the engine knows a part of the
 * module by the whole, and would test again after a change of any of its sources.
 */
export function testingFolder(): Promise<Directory> {
  folder ??= testingFiles().then(directoryOf)
  return folder
}

let folder: Promise<Directory> | undefined

/** Hash of all that turns tests into a verdict: driver and plug-in, the reading of results, the browser's container. */
export async function judgeHash(): Promise<string> {
  const files = await testingFiles()
  return hashOf([judgeVersion, [...files].toSorted(), runnerImage, runnerPackages])
}

async function testingFiles(): Promise<ReadonlyMap<string, string>> {
  const source = dag.currentModule().source().directory("testing")
  const names = (await source.entries()).filter((name) => /\.(?:py|sh)$/.test(name))
  const texts = names.map(async (name) => [name, await source.file(name).contents()] as const)
  return new Map(await Promise.all(texts))
}
