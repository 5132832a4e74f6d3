import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Container, dag, Directory, ReturnType } from "@dagger.io/dagger"
import type { BorderAnswer, BorderOrders, WantedText } from "../../tools/border.js"
import { cleanLine } from "../text/cleanText.js"
import { nodeImage } from "./toolbox.js"

/** What a folder that an image wrote into is asked for. */
export interface Wanted {
  readonly texts: readonly WantedText[]
  /** Folder in it whose files are taken. */
  readonly files?: string
  /** Whether it is emptied afterwards: for a volume that nobody uses again. */
  readonly empty?: boolean
  /** A folder of the border's container whose size is counted, and the seconds that it may take. */
  readonly count?: { readonly folder: string; readonly seconds: number }
}

/** What came across the border: regular files, and no more of them than the limits allow. */
export interface TakenIn {
  /** Valid Unicode, by name; it may hold anything else. */
  readonly texts: ReadonlyMap<string, string>
  /** Files, where there are any. */
  readonly files?: Directory
  /** What was left out, and why; a sentence, or none. */
  readonly leftOut: readonly string[]
  /** Kilobytes of the folder that was to be counted; absent where they could not be. */
  readonly kilobytes?: number
  /** Beside it a word for this very answer: another one for whatever is counted anew, also of the same. */
  readonly mark?: string
}

/** Screenshots and the like of one suite: 500 files, 100 MiB. */
const limits = {
  mostFiles: 500,
  mostBytes: 20 << 20,
  mostBytesTogether: 100 << 20,
  seconds: 60,
} satisfies Partial<BorderOrders>

/** Where the border's container has what others wrote. */
export const foreignFolder = "/stack/foreign"
const taken = "/stack/taken"

/**
 * Takes in what an image or its tests have left. It is read in a container that is nothing but the border: here no path
 * leads to this module's own files, and nothing waits for a FIFO.
 * @throws Error where the engine fails
 */
export function takeIn(left: Directory, wanted: Wanted): Promise<TakenIn> {
  return takeFrom(borderContainer().withMountedDirectory(foreignFolder, left), wanted)
}

/** A container with the program that takes in; what it takes from is mounted by the caller. */
export function borderContainer(): Container {
  const program = dag.currentModule().source().file("tools/border.ts")
  return dag.container().from(nodeImage).withMountedFile("/stack/border.ts", program)
}

/** Takes in what is mounted at the foreign folder. @throws Error where the engine fails */
export async function takeFrom(border: Container, wanted: Wanted): Promise<TakenIn> {
  const orders: BorderOrders = { ...limits, empty: false, ...wanted }
  const program = ["node", "/stack/border.ts", foreignFolder, taken, JSON.stringify(orders)]
  const seconds = 2 * limits.seconds + (wanted.count?.seconds ?? 0)
  const ended = border
    .withMountedDirectory(taken, dag.directory())
    .withExec(["timeout", "-k", "5", String(seconds), ...program], { expect: ReturnType.Any })
  const status = await ended.exitCode()
  if (status !== 0) throw new Error(`what was left could not be taken in: ${await ended.stderr()}`)
  const crossed = ended.directory(taken)
  const { texts, answer } = await readTexts(crossed)
  const files = answer.files > 0 ? { files: crossed.directory("files") } : {}
  const { kilobytes, mark } = answer
  const counted = { ...(kilobytes !== undefined && { kilobytes }), ...(mark !== undefined && { mark }) }
  return { texts, ...files, leftOut: describeLeftOut(answer), ...counted }
}

async function readTexts(
  crossed: Directory,
): Promise<{ readonly texts: ReadonlyMap<string, string>; readonly answer: BorderAnswer }> {
  const folder = await mkdtemp(join(tmpdir(), "taken-"))
  try {
    await crossed.withoutDirectory("files").export(folder)
    const answer = JSON.parse(await readFile(join(folder, "answer.json"), "utf8")) as BorderAnswer
    const texts = await Promise.all(
      answer.texts.map(async (name) => [name, await readFile(join(folder, "texts", name), "utf8")] as const),
    )
    return { texts: new Map(texts), answer }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function describeLeftOut({ left, leftInAll }: BorderAnswer): readonly string[] {
  if (leftInAll === 0) return []
  const named = left.map(({ path, why }) => `${path} (${why})`)
  const more = leftInAll > left.length ? `, and ${leftInAll - left.length} more` : ""
  return [cleanLine(`${named.join(", ")}${more}`)]
}
