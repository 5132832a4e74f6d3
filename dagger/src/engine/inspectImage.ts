import { Container, dag, Directory, ReturnType } from "@dagger.io/dagger"
import { cleanText } from "../text/cleanText.js"
import { borderContainer, foreignFolder, takeIn } from "./border.js"
import { directoryOf } from "./textFiles.js"
import { inTime } from "../async/inTime.js"

/** A command whose output says something of an image; run by a shell in it, as its user. */
export interface Probe {
  /** Name of the probe, unique among those that are run together. */
  readonly key: string
  readonly command: string
}

/** What a probe said: clean text, of a long one the start and the end. */
export interface ProbeResult {
  readonly stdout: string
  readonly stderr: string
  readonly exitCode: number
}

/** What all probes said, and what was left out of it. */
export interface ProbeResults {
  readonly results: ReadonlyMap<string, ProbeResult>
  readonly notices: readonly string[]
}

/** Seconds that one command may take: a page of facts is not worth more. */
const probeSeconds = 120
/** Seconds beside: the start, and commands in an image that has no `timeout`. */
const slackSeconds = 300
/** Bytes that are taken of one answer. A list of 3000 packages has some 300 kB. */
const answerBytes = 2 << 20
/** Blocks of 512 bytes that a command may write to one file, for one that prints without an end. */
const fileBlocks = 65_536

/** Runs each numbered command on its own: one that fails or hangs costs nothing but its own output. */
const probeScript = `
limit=
command -v timeout >/dev/null 2>&1 && limit="timeout ${probeSeconds}"
ulimit -f ${fileBlocks} 2>/dev/null
for probe in /stack/probes/*.sh; do
  name=$(basename "$probe" .sh)
  # What an earlier command has put in the way.
  rm -rf "/stack/answers/$name".*
  $limit sh "$probe" >"/stack/answers/$name.out" 2>"/stack/answers/$name.err" </dev/null
  echo $? >"/stack/answers/$name.code"
done
`

/**
 * Runs commands in an image, all in one exec.
 * @throws Error where the image has no shell, or the engine fails
 */
export async function runProbes(image: Container, probes: readonly Probe[]): Promise<ProbeResults> {
  if (probes.length === 0) return { results: new Map(), notices: [] }
  const answers = await answersOf(image, probes)
  const { texts, leftOut } = await takeIn(answers, {
    texts: probes.flatMap((probe, index) =>
      ["out", "err", "code"].map((kind) => ({
        name: `${fileName(probe, index)}.${kind}`,
        bytes: answerBytes,
        whole: false,
      })),
    ),
  })
  const results = probes.map((probe, index) => {
    const said = (kind: string) => cleanText(texts.get(`${fileName(probe, index)}.${kind}`) ?? "")
    const status = /^\d+$/.exec(said("code").trim())?.[0]
    // Where the image has made something else of its exit status, the command has not ended well.
    const exitCode = status === undefined ? 1 : Number(status)
    return [probe.key, { stdout: said("out"), stderr: said("err"), exitCode }] as const
  })
  return { results: new Map(results), notices: leftOut.map((left) => `of the image's answers: ${left}`) }
}

/** Name of a probe's files: readable in notices, and unique. */
function fileName({ key }: Probe, index: number): string {
  return `${index}-${key.replaceAll(/\W/g, "_")}`
}

async function answersOf(image: Container, probes: readonly Probe[]): Promise<Directory> {
  const user = await image.user()
  const commands = await directoryOf(
    new Map(probes.map((probe, index) => [`${fileName(probe, index)}.sh`, `${probe.command}\n`])),
  )
  const ended = image
    .withMountedDirectory("/stack/probes", commands)
    .withMountedDirectory("/stack/answers", dag.directory(), user === "" ? {} : { owner: user })
    .withExec(["sh", "-c", probeScript])
  return (await inTime(probes.length * probeSeconds + slackSeconds, ended.sync())).directory("/stack/answers")
}

/** Seconds for counting: a million files on a slow disk. */
const countingSeconds = 900

/** What is found out of an image's file system from outside. */
export interface OutsideFacts {
  /** Bytes, unpacked; absent where they could not be counted. */
  readonly unpackedBytes?: number
  /**
   * A word that the engine keeps with the image: the same for as long as it has this very image, and another one for
   * whatever is built anew, also of the same source.
   */
  readonly mark?: string
}

/**
 * Counts an image's file system, and marks it, in a container beside it: an image need not have `du`, or an honest one.
 */
export async function outsideFacts(image: Container): Promise<OutsideFacts> {
  const count = `cat /proc/sys/kernel/random/uuid && exec timeout ${countingSeconds} du -skx ${foreignFolder}`
  const counted = borderContainer()
    .withMountedDirectory(foreignFolder, image.rootfs())
    .withExec(["sh", "-c", count], { expect: ReturnType.Any })
  try {
    const [mark = "", blocks = ""] = (await counted.stdout()).split("\n")
    const kilobytes = Number.parseInt(blocks, 10)
    return {
      ...(mark !== "" && { mark }),
      ...(!Number.isNaN(kilobytes) && { unpackedBytes: kilobytes * 1024 }),
    }
  } catch {
    // The size stays unknown, which the report says.
    return {}
  }
}
