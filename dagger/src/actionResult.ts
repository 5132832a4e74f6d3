import { Directory, File, func, object } from "@dagger.io/dagger"
import { painted, plainScreen } from "#lib/text/screen.js"
import { shellQuote } from "#lib/text/shell.js"
import { markdownForTerminal } from "#lib/text/terminalMarkdown.js"
import type { ActionOutcome } from "#lib/calls/actionOutcome.js"
import { failInFront, printResult, showInFront, withScreen } from "#lib/calls/screenFiles.js"
import { directoryOf } from "#lib/engine/textFiles.js"

/** What came of a function that acts outside: a promotion, a GPU test, a change of the wiki. */
@object()
export class ActionResult {
  /** report.json, report.md and what else there is to keep: export it with "artifacts export --path=out". */
  @func()
  artifacts: Directory

  text: string

  ok: boolean

  constructor(artifacts: Directory, text: string, ok: boolean) {
    this.artifacts = artifacts
    this.text = text
    this.ok = ok
  }

  // The engine knows a result by the call that made it: without "never" it would answer with an earlier one's.

  /** What happened, for reading. */
  @func({ cache: "never" })
  summary(): string {
    return this.text
  }

  /** report.json, the whole result for machines. */
  @func({ cache: "never" })
  report(): File {
    return this.artifacts.file("report.json")
  }

  /** What happened; fails with it if the action failed. */
  @func({ cache: "never" })
  verdict(): string {
    if (!this.ok) throw new Error(this.text)
    return this.text
  }

  /**
   * The artifacts with what ./stack shows of them; ./stack calls it by itself.
   * @param kept Folder that they are exported to.
   * @param columns Width of the terminal; 0 for a file.
   * @param colour Show it in colours.
   */
  @func({ cache: "never" })
  async forScreen(kept: string, columns = 0, colour = false): Promise<Directory> {
    const screen = { columns, colour }
    const page = markdownForTerminal(this.text, screen)
    const verdict = painted(screen, this.ok ? "green" : "red", verdictOf(this.text))
    const text = `${page}\nreport: ${shellQuote(kept)}\n${verdict}\n`
    return withScreen(this.artifacts, { text, ok: this.ok })
  }

  /** Fails if the action did, with the summary. The CLI calls it by itself. */
  @func({ cache: "never" })
  async sync(): Promise<string> {
    if (!this.ok) return failInFront(this.text)
    await showInFront(markdownForTerminal(this.text, plainScreen))
    // The CLI takes what `sync` returns for the id of an object, and shows nothing else of it.
    return this.artifacts.id()
  }
}

/** The heading of a report and its first sentence, as one line. */
function verdictOf(markdown: string): string {
  const lines = markdownForTerminal(markdown, plainScreen).split("\n")
  const [title = "", sentence = ""] = lines.filter((line) => line !== "")
  return `${title}: ${sentence.replace(/[:.]$/, "")}`
}

/** Prints an outcome and makes it the function's result. */
export async function actionResult({
  ok,
  report,
  markdown,
  files = new Map(),
  folders = new Map(),
}: ActionOutcome): Promise<ActionResult> {
  printResult(markdown)
  const texts = new Map([
    ["report.json", `${JSON.stringify({ ok, ...report }, null, 2)}\n`],
    ["report.md", markdown],
    ...files,
  ])
  let artifacts = await directoryOf(texts)
  for (const [path, folder] of folders) artifacts = artifacts.withDirectory(path, folder)
  return new ActionResult(artifacts, markdown, ok)
}
