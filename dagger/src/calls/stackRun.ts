import { Directory, File, func, object } from "@dagger.io/dagger"
import { isOk } from "../report/report.js"
import type { StackReport } from "../report/report.js"
import { describeOutcome } from "../report/report.js"
import { renderSummary } from "../report/summary.js"
import { failInFront, showInFront, withScreen } from "./screenFiles.js"

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

  reportJson: string

  constructor(artifacts: Directory, reportJson: string) {
    this.artifacts = artifacts
    this.reportJson = reportJson
  }

  // The engine knows a result by the call that made it: without "never" it would answer with an earlier run's.

  /** A table of the images and what failed, for reading. */
  @func({ cache: "never" })
  summary(): string {
    return renderSummary(this.parsed())
  }

  /** The result of each image. */
  @func({ cache: "never" })
  images(): ImageResult[] {
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
  verdict(): string {
    const report = this.parsed()
    if (!isOk(report)) throw new Error(renderSummary(report))
    return renderSummary(report)
  }

  /**
   * The artifacts with what ./stack shows of them; ./stack calls it by itself.
   * @param kept Folder that they are exported to, for the paths of logs.
   * @param columns Width of the terminal; 0 for a file.
   * @param colour Show it in colours.
   */
  @func({ cache: "never" })
  async forScreen(kept: string, columns = 0, colour = false): Promise<Directory> {
    const report = this.parsed()
    const text = renderSummary(report, { columns, colour, kept })
    return withScreen(this.artifacts, { text, ok: isOk(report) })
  }

  /** Fails if an image failed, with the summary. The CLI calls it by itself. */
  @func({ cache: "never" })
  async sync(): Promise<string> {
    const report = this.parsed()
    if (!isOk(report)) return failInFront(renderSummary(report))
    await showInFront(renderSummary(report))
    // The CLI takes what `sync` returns for the id of an object, and shows nothing else of it.
    return this.artifacts.id()
  }

  private parsed(): StackReport {
    return JSON.parse(this.reportJson) as StackReport
  }
}
