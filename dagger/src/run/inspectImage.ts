import { mkdtemp, readFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Container, dag, ReturnType } from "@dagger.io/dagger"
import { directoryOf } from "./textFiles.js"

/** A command whose output says something of an image; run by a shell in it, as its user. */
export interface Probe {
  /** Name of the probe, unique among those that are run together. */
  readonly key: string
  readonly command: string
}

/** What a probe said. */
export interface ProbeResult {
  readonly stdout: string
  readonly stderr: string
  readonly exitCode: number
}

/** Seconds that one command may take: a page of facts is not worth more. */
const probeSeconds = 120

/** Runs each numbered command on its own: one that fails or hangs costs nothing but its own output. */
const probeScript = `
limit=
command -v timeout >/dev/null 2>&1 && limit="timeout ${probeSeconds}"
for probe in /stack/probes/*.sh; do
  name=$(basename "$probe" .sh)
  $limit sh "$probe" >"/stack/answers/$name.out" 2>"/stack/answers/$name.err" </dev/null
  echo $? >"/stack/answers/$name.code"
done
`

/**
 * Runs commands in an image, all in one exec.
 * @throws Error where the image has no shell, or the engine fails
 */
export async function runProbes(
  image: Container,
  probes: readonly Probe[],
): Promise<ReadonlyMap<string, ProbeResult>> {
  if (probes.length === 0) return new Map()
  const user = await image.user()
  const commands = await directoryOf(
    new Map(probes.map(({ command }, index) => [`${index}.sh`, `${command}\n`])),
  )
  const answers = image
    .withMountedDirectory("/stack/probes", commands)
    .withMountedDirectory("/stack/answers", dag.directory(), user === "" ? {} : { owner: user })
    .withExec(["sh", "-c", probeScript])
    .directory("/stack/answers")
  const folder = await mkdtemp(join(tmpdir(), "probes-"))
  await answers.export(folder)
  const read = (index: number, kind: string) => readFile(join(folder, `${index}.${kind}`), "utf8")
  const results = await Promise.all(
    probes.map(async (probe, index) => {
      const result = {
        stdout: await read(index, "out"),
        stderr: await read(index, "err"),
        exitCode: Number(await read(index, "code")),
      }
      return [probe.key, result] as const
    }),
  )
  return new Map(results)
}

/** Bytes of the image's unpacked file system, or undefined where it has no `du`. */
export async function unpackedBytes(image: Container): Promise<number | undefined> {
  const counted = image.withUser("root").withExec(["du", "-skx", "/"], { expect: ReturnType.Any })
  try {
    const kilobytes = Number.parseInt(await counted.stdout(), 10)
    return Number.isNaN(kilobytes) ? undefined : kilobytes * 1024
  } catch {
    // There is no `du` in the image: its size stays unknown, which the report says.
    return undefined
  }
}
