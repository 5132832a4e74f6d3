import { Directory, File, func, object } from "@dagger.io/dagger"
import type { RunOutcome } from "#lib/calls/buildStack.js"
import type { ShownScreen } from "#lib/calls/screenFiles.js"
import { failInFront, showInFront } from "#lib/calls/screenFiles.js"
import type { StackReport } from "#lib/report/report.js"

/** How one image of a run ended. */
@object()
export class ImageResult {
  /** Name of the image in the spec. */
  @func()
  name: string

  /** What the plan said: build, retest, retag, reuse or skip. */
  @func()
  action: string

  /** How it ended, in words. */
  @func()
  outcome: string

  /** Reference that this run gave, or would give with --publish. */
  @func()
  reference: string

  /** Digest in the registry; empty where the image is in none. */
  @func()
  digest: string

  constructor(name: string, action: string, outcome: string, reference: string, digest: string) {
    this.name = name
    this.action = action
    this.outcome = outcome
    this.reference = reference
    this.digest = digest
  }
}

/** A run of the stack: what happened to each image, and everything it left behind. */
@object()
export class StackRun {
  /** Report, logs, test results, manifest pages: export it with "artifacts export --path=out". */
  @func()
  artifacts: Directory

  // What is asked for most is data: a function of a result is a process more, seconds on the official SDK.

  /** A table of the images and what failed, for reading. */
  @func()
  summary: string

  /** The artifacts; with what ./stack shows of them, where --screen asks for it. */
  @func()
  shown: Directory

  reportJson: string

  constructor(artifacts: Directory, summary: string, shown: Directory, reportJson: string) {
    this.artifacts = artifacts
    this.summary = summary
    this.shown = shown
    this.reportJson = reportJson
  }

  // The engine knows a result by the call that made it: without "never" it would answer with an earlier run's.

  /** The result of each image. */
  @func({ cache: "never" })
  async images(): Promise<ImageResult[]> {
    const { describeOutcome } = await import("#lib/report/report.js")
    return this.parsed().images.map(
      ({ name, action, outcome, reference, digest = "" }) =>
        new ImageResult(name, action, describeOutcome(outcome), reference, digest),
    )
  }

  /** report.json, the whole result for machines. */
  @func({ cache: "never" })
  report(): File {
    return this.artifacts.file("report.json")
  }

  /** Test results as JUnit XML, a file for each image and kind of test. */
  @func({ cache: "never" })
  junit(): Directory {
    return this.artifacts.directory("junit")
  }

  /** Logs of the images, their tests and their servers. */
  @func({ cache: "never" })
  logs(): Directory {
    return this.artifacts.directory("logs")
  }

  /** The summary; fails with it if an image failed. */
  @func({ cache: "never" })
  async verdict(): Promise<string> {
    if (!(await this.isOk())) throw new Error(this.summary)
    return this.summary
  }

  /** Fails if an image failed, with the summary. The CLI calls it by itself. */
  @func({ cache: "never" })
  async sync(): Promise<string> {
    if (!(await this.isOk())) return failInFront(this.summary)
    await showInFront(this.summary)
    // The CLI takes what `sync` returns for the id of an object, and shows nothing else of it.
    return this.artifacts.id()
  }

  private async isOk(): Promise<boolean> {
    const { isOk } = await import("#lib/report/report.js")
    return isOk(this.parsed())
  }

  private parsed(): StackReport {
    return JSON.parse(this.reportJson) as StackReport
  }
}

/**
 * What a run has to tell, as a function's result.
 * @param screen what `./stack` says of where it shows the result
 */
export async function stackRun(outcome: RunOutcome, screen: ShownScreen | undefined): Promise<StackRun> {
  const { shownRun } = await import("#lib/calls/shownRun.js")
  const { summary, shown } = await shownRun(outcome, screen)
  return new StackRun(outcome.artifacts, summary, shown, JSON.stringify(outcome.report))
}
