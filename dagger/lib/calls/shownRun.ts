import type { Directory } from "@dagger.io/dagger"
import { isOk } from "../report/report.js"
import { renderSummary } from "../report/summary.js"
import type { RunOutcome } from "./buildStack.js"
import type { ShownScreen } from "./screenFiles.js"
import { printResult, withScreen } from "./screenFiles.js"

/** A run as a function gives it. */
export interface ShownRun {
  readonly summary: string
  /** The artifacts, with what `./stack` shows of them. */
  readonly shown: Directory
}

/**
 * What is shown of a run, printed as well: what `sync` prints is not shown by the CLI.
 * @param screen what `./stack` says of where it shows the result
 */
export async function shownRun(
  { artifacts, report }: RunOutcome,
  screen: ShownScreen | undefined,
): Promise<ShownRun> {
  const summary = renderSummary(report)
  printResult(summary)
  const files = screen && { text: renderSummary(report, screen), ok: isOk(report) }
  return { summary, shown: files ? await withScreen(artifacts, files) : artifacts }
}
