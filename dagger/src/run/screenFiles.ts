import { Directory } from "@dagger.io/dagger"
import { directoryOf } from "./textFiles.js"

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
 * A failure whose message is shown by the CLI, at a terminal too. The CLI takes an error without the span that it comes
 * from for one that was shown already, and then says nothing at all (dagql/idtui/frontend_pretty.go of v0.19.10,
 * `hasShownRootError`); this one names a span that is never drawn.
 */
export function visibleFailure(title: string, text: string): Error {
  return new Error(`${title} [traceparent:${"0".repeat(31)}1-${"0".repeat(15)}1]\n\n${text}`)
}
