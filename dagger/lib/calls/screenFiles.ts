import { Directory } from "@dagger.io/dagger"
import { getTracer } from "@dagger.io/dagger/telemetry"
import { inFront } from "../run/record.js"
import { directoryOf } from "../engine/textFiles.js"
import { atOption, InputError } from "../problems.js"
import type { Screen } from "../text/screen.js"

/** What `./stack` says of where it shows a result: a terminal, and the folder that the artifacts are kept in. */
export interface ShownScreen extends Screen {
  readonly kept: string
}

/**
 * Reads `--screen`: columns, `colour` or `plain`, and the folder, with commas between them: `80,colour,/home/me/out`. It
 * is an option of what runs, and not a function of its result: a function more is a process more.
 * @throws InputError where it is none of `./stack`
 */
export function screenOf(text: string | undefined): ShownScreen | undefined {
  if (text === undefined) return undefined
  const [, columns = "", colour = "", kept = ""] = /^(\d{1,6}),(colour|plain),(.*)$/s.exec(text) ?? []
  if (columns === "") {
    const message = `"${text}" is no screen: ./stack gives "80,colour,/folder" by itself, and nobody else needs it`
    throw new InputError([{ location: atOption("--screen"), message }])
  }
  return { columns: Number(columns), colour: colour === "colour", kept }
}

/** What `./stack` shows of a result once the call has ended, and its exit status. */
export interface ScreenFiles {
  readonly text: string
  readonly ok: boolean
}

/**
 * Artifacts with what `./stack` shows of them: one call cannot print, fail and export, so it exports all three, and
 * `./stack` prints and fails.
 */
export async function withScreen(artifacts: Directory, { text, ok }: ScreenFiles): Promise<Directory> {
  const texts = new Map([
    [".screen/text", text],
    [".screen/status", ok ? "0\n" : "1\n"],
  ])
  return artifacts.withDirectory(".", await directoryOf(texts))
}

/** The line behind which a function prints its result: what stands before it is said while the function runs. */
const resultLine = "----- result -----"

/** Prints a result where the caller reads what functions print: through a pipe, with plain progress. */
export function printResult(text: string): void {
  console.log(`${resultLine}\n${text}`)
}

/**
 * Fails with a result, where the CLI calls `sync` by itself. It draws no line for that call, and then takes its error for
 * one that was shown already (dagql/idtui/frontend_pretty.go of v0.19.10, `hasShownRootError`): so the error gets a line
 * of its own.
 */
export function failInFront(text: string): Promise<never> {
  return getTracer().startActiveSpan("result", () => Promise.reject(new Error(text)), inFront)
}

/** Shows a result where the CLI calls `sync` by itself: as the name of a line in its tree, the only text it keeps. */
export function showInFront(text: string): Promise<void> {
  return getTracer().startActiveSpan(`result\n${text.trimEnd()}\n`, () => Promise.resolve(), inFront)
}
