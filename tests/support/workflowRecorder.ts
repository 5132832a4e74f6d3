import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { DaggerCall, FakeAnswer } from "./fakeDagger.js"
import { fakeDagger } from "./fakeDagger.js"
import type { RunnerSettings, WorkflowRun } from "./runner.js"
import { runWorkflow } from "./runner.js"
import type { Workflow } from "./workflow.js"
import type { WorkflowEvent } from "./workflowEvents.js"
import { upstream } from "./workflowEvents.js"

/** A run of a workflow, and the calls that it made. */
export interface RecordedRun {
  readonly run: WorkflowRun
  readonly calls: readonly DaggerCall[]
}

/** What may be other than usual in a recorded run. */
export interface RecordSettings extends Partial<RunnerSettings> {
  readonly answer?: FakeAnswer | undefined
  /** A folder of programs that comes first in PATH. */
  readonly programs?: string | undefined
}

/** Runs workflows in the upstream repository against a dagger CLI that only records its calls. */
export class WorkflowRecorder {
  private readonly folders: string[] = []
  private readonly runs: WorkflowRun[] = []

  /** @param settings those of all runs */
  constructor(private readonly settings: Partial<RunnerSettings> & Pick<RunnerSettings, "origin">) {}

  /** @throws Error where the event does not start the workflow */
  async record(
    workflow: Workflow,
    event: WorkflowEvent,
    { answer, programs, ...more }: RecordSettings = {},
  ): Promise<RecordedRun> {
    const fake = fakeDagger(this.folder("fake-dagger-"), answer)
    const run = await runWorkflow(workflow, event, {
      repository: upstream,
      serverUrl: "https://github.example",
      token: (permissions) => `token ${JSON.stringify(permissions)}`,
      path: [programs ?? [], fake.bin, "/usr/local/bin:/usr/bin:/bin"].flat().join(":"),
      ...this.settings,
      ...more,
    })
    if (run === undefined) throw new Error("the event did not start the workflow")
    this.runs.push(run)
    return { run, calls: fake.calls() }
  }

  /** A folder that is removed with everything else. */
  folder(prefix: string): string {
    const folder = mkdtempSync(join(tmpdir(), prefix))
    this.folders.push(folder)
    return folder
  }

  /** Removes what the runs have left. */
  async remove(): Promise<void> {
    for (const run of this.runs) await run.remove()
    for (const folder of this.folders) rmSync(folder, { recursive: true })
  }
}
