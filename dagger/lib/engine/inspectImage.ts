import { Container, dag, Directory } from "@dagger.io/dagger"
import { cleanText } from "../text/cleanText.js"
import type { Wanted } from "./border.js"
import { borderContainer, foreignFolder, takeFrom } from "./border.js"
import { engineMessage } from "./engineError.js"
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

/** What is found out of an image's file system from outside. */
export interface OutsideFacts {
  /** Bytes of its file system, unpacked; absent where they were not asked for, or could not be counted. */
  readonly unpackedBytes?: number
  /**
   * A word that the engine keeps with the image: the same for as long as it has this very image and is asked the same,
   * and another one for whatever is built anew, also of the same source.
   */
  readonly mark?: string
}

/** What was found out of an image. */
export interface InspectedImage extends OutsideFacts {
  /** What the probes said. */
  readonly results: ReadonlyMap<string, ProbeResult>
  /** What could not be found out, or was left out of it. */
  readonly notices: readonly string[]
}

/** Seconds that one command may take where nobody says more: a page of facts is not worth it. */
const usualSeconds = 120
/** Seconds beside: the start, and commands in an image that has no `timeout`. */
const slackSeconds = 300
/** Bytes that are taken of one answer. A list of 3000 packages has some 300 kB. */
const answerBytes = 2 << 20
/** Blocks of 512 bytes that a command may write to one file, for one that prints without an end. */
const fileBlocks = 65_536

/** Runs each numbered command on its own: one that fails or hangs costs nothing but its own output. */
const probeScript = (probeSeconds: number) => `
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

/** Where the border's container has the image. */
const imageFolder = "/stack/image"
/** Seconds for counting: a million files on a slow disk. */
const countingSeconds = 900

/**
 * Runs commands in an image, all in one exec; what they said is taken in beside the image's own files, which are counted
 * from there: an image need not have `du`, or an honest one.
 * @param isMeasured whether its size and its mark are wanted
 * @param probeSeconds what each command may take
 * @throws Error where the engine fails
 */
export async function inspectImage(
  image: Container,
  probes: readonly Probe[],
  isMeasured: boolean,
  probeSeconds = usualSeconds,
): Promise<InspectedImage> {
  if (probes.length === 0 && !isMeasured) return { results: new Map(), notices: [] }
  const { answers, notices } = await answersOf(image, probes, probeSeconds)
  const border = borderContainer().withMountedDirectory(foreignFolder, answers)
  const { texts, leftOut, kilobytes, mark } = await takeFrom(
    isMeasured ? border.withMountedDirectory(imageFolder, image.rootfs()) : border,
    {
      texts: probes.flatMap(wantedTexts),
      ...(isMeasured && { count: { folder: imageFolder, seconds: countingSeconds } }),
    },
  )
  const said = leftOut.map((left) => `of the image's answers: ${left}`)
  return {
    results: notices.length > 0 ? new Map() : resultsOf(probes, texts),
    notices: [...notices, ...said],
    ...(kilobytes !== undefined && { unpackedBytes: kilobytes * 1024 }),
    ...(mark !== undefined && { mark }),
  }
}

function wantedTexts(probe: Probe, index: number): Wanted["texts"] {
  return ["out", "err", "code"].map((kind) => ({
    name: `${fileName(probe, index)}.${kind}`,
    bytes: answerBytes,
    whole: false,
  }))
}

function resultsOf(
  probes: readonly Probe[],
  texts: ReadonlyMap<string, string>,
): ReadonlyMap<string, ProbeResult> {
  const results = probes.map((probe, index) => {
    const said = (kind: string) => cleanText(texts.get(`${fileName(probe, index)}.${kind}`) ?? "")
    const status = /^\d+$/.exec(said("code").trim())?.[0]
    // Where the image has made something else of its exit status, the command has not ended well.
    const exitCode = status === undefined ? 1 : Number(status)
    return [probe.key, { stdout: said("out"), stderr: said("err"), exitCode }] as const
  })
  return new Map(results)
}

/** Name of a probe's files: readable in notices, and unique. */
function fileName({ key }: Probe, index: number): string {
  return `${index}-${key.replaceAll(/\W/g, "_")}`
}

/** What the commands wrote; nothing and a notice where they could not be run: facts for a page are not worth an image. */
async function answersOf(
  image: Container,
  probes: readonly Probe[],
  probeSeconds: number,
): Promise<{ readonly answers: Directory; readonly notices: readonly string[] }> {
  if (probes.length === 0) return { answers: dag.directory(), notices: [] }
  try {
    const user = await image.user()
    const commands = await directoryOf(
      new Map(probes.map((probe, index) => [`${fileName(probe, index)}.sh`, `${probe.command}\n`])),
    )
    const ended = image
      .withMountedDirectory("/stack/probes", commands)
      .withMountedDirectory("/stack/answers", dag.directory(), user === "" ? {} : { owner: user })
      .withExec(["sh", "-c", probeScript(probeSeconds)])
    const synced = await inTime(probes.length * probeSeconds + slackSeconds, ended.sync())
    return { answers: synced.directory("/stack/answers"), notices: [] }
  } catch (error) {
    const notices = [`the image could not be inspected: ${engineMessage(error)}`]
    return { answers: dag.directory(), notices }
  }
}
