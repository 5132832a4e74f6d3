import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { runAction } from "./runnerActions.js"
import { run } from "./stack.js"
import type { Workflow, WorkflowJob, WorkflowStep } from "./workflow.js"
import type { Contexts } from "./workflowExpressions.js"
import { conditionHolds, interpolate } from "./workflowExpressions.js"
import { inputsOf, startsOn } from "./workflowEvents.js"
import type { WorkflowEvent } from "./workflowEvents.js"

/**
 * A local stand-in of GitHub's runner: every step's `run` is executed as there, by bash, with the files and variables
 * of the runner; actions are replaced by what they do here (runnerActions.ts).
 */

/** GitHub's side of a run, and the machine it is on. */
export interface RunnerSettings {
  /** The repository as GitHub holds it; `git clone` takes it. */
  readonly origin: string
  /** `owner/name` */
  readonly repository: string
  /** Where the wiki is, too: `<serverUrl>/<repository>.wiki.git`. */
  readonly serverUrl: string
  readonly vars?: Readonly<Record<string, string>>
  /** Those of the repository, by name. */
  readonly secrets?: Readonly<Record<string, string>>
  /** Those of an environment, by the environment's and the secret's name. */
  readonly environments?: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** GITHUB_TOKEN for the permissions of a job. */
  readonly token?: (permissions: Readonly<Record<string, string>>) => string
  /** PATH of the machine. */
  readonly path: string
  /** What else the machine has in its environment. */
  readonly env?: Readonly<Record<string, string>>
}

export type Conclusion = "success" | "failure" | "skipped"

export interface StepRun {
  readonly name: string
  readonly conclusion: Conclusion
  /** All that it printed. A real runner would hide secrets in it. */
  readonly log: string
}

export interface JobRun {
  readonly conclusion: Conclusion
  readonly steps: readonly StepRun[]
  /** What the page of the run shows. */
  readonly summary: string
  /** Label of the machine that it asked for. */
  readonly runsOn: string
  readonly environment?: string
}

export interface WorkflowRun {
  readonly conclusion: Conclusion
  readonly jobs: ReadonlyMap<string, JobRun>
  /** Folder with the uploaded artifacts, one folder each. */
  readonly artifacts: string
  /** All that was printed, for looking for secrets. */
  readonly log: string
  remove(): Promise<void>
}

/** Runs a workflow for an event; undefined where the event does not start it. */
export async function runWorkflow(
  workflow: Workflow,
  event: WorkflowEvent,
  settings: RunnerSettings,
): Promise<WorkflowRun | undefined> {
  if (!startsOn(workflow, event)) return undefined
  const folder = await mkdtemp(join(tmpdir(), "runner-"))
  const jobs = new Map<string, JobRun>()
  for (const job of workflow.jobs) {
    if (job.needs.some((name) => !jobs.has(name))) throw new Error(`${job.id} comes before what it needs`)
    jobs.set(job.id, await new Job(workflow, job, event, settings, folder, jobs).run())
  }
  const runs = [...jobs.values()]
  return {
    conclusion: overall(runs),
    jobs,
    artifacts: join(folder, "artifacts"),
    log: runs.flatMap(({ steps }) => steps.map(({ log }) => log)).join("\n"),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

function overall(runs: readonly { readonly conclusion: Conclusion }[]): Conclusion {
  if (runs.some(({ conclusion }) => conclusion === "failure")) return "failure"
  return runs.some(({ conclusion }) => conclusion === "success") ? "success" : "skipped"
}

/** The files through which a step talks to the runner. */
const commandFiles = ["GITHUB_ENV", "GITHUB_PATH", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"] as const

class Job {
  private readonly workspace: string
  private readonly temp: string
  private readonly contexts: Contexts
  /** What steps set for later ones. */
  private env: Readonly<Record<string, string>> = {}
  private path: string

  constructor(
    workflow: Workflow,
    private readonly job: WorkflowJob,
    private readonly event: WorkflowEvent,
    private readonly settings: RunnerSettings,
    private readonly folder: string,
    private readonly done: ReadonlyMap<string, JobRun>,
  ) {
    this.workspace = join(folder, job.id, "workspace")
    this.temp = join(folder, job.id, "temp")
    this.path = settings.path
    this.contexts = this.makeContexts(workflow)
    interpolate(workflow.concurrency.group, this.contexts)
  }

  async run(): Promise<JobRun> {
    const { job, contexts } = this
    const about = {
      runsOn: interpolate(job.runsOn, contexts),
      ...(job.environment !== undefined && { environment: interpolate(job.environment, contexts) }),
    }
    const failed = job.needs.some((name) => this.done.get(name)?.conclusion !== "success")
    if (!conditionHolds(job.if, contexts, { failed }))
      return { conclusion: "skipped", steps: [], summary: "", ...about }
    await mkdir(this.workspace, { recursive: true })
    await mkdir(join(this.temp, "home"), { recursive: true })
    await writeFile(join(this.temp, "event.json"), JSON.stringify(this.event.payload))
    for (const name of commandFiles) await writeFile(join(this.temp, name), "")
    const steps: StepRun[] = []
    for (const step of job.steps) steps.push(await this.step(step, steps))
    const summary = await readFile(join(this.temp, "GITHUB_STEP_SUMMARY"), "utf8")
    return { conclusion: overall(steps), steps, summary, ...about }
  }

  private async step(step: WorkflowStep, before: readonly StepRun[]): Promise<StepRun> {
    const failed = before.some(({ conclusion }) => conclusion === "failure")
    if (!conditionHolds(step.if, this.contexts, { failed }))
      return { name: step.name, conclusion: "skipped", log: "" }
    const { status, log } = step.uses === undefined ? await this.script(step) : await this.action(step)
    return { name: step.name, conclusion: status === 0 ? "success" : "failure", log }
  }

  /** As the runner starts a script: without `shell` by `bash -e`, with `shell: bash` stricter. */
  private async script(step: WorkflowStep): Promise<{ status: number; log: string }> {
    const script = join(this.temp, "script.sh")
    await writeFile(script, interpolate(step.run ?? "", this.contexts))
    const options = step.shell === undefined ? ["-e"] : ["--noprofile", "--norc", "-eo", "pipefail"]
    const env = Object.entries(step.env).map(([name, text]) => [name, interpolate(text, this.contexts)])
    const names = { ...this.machine(), ...this.env, ...(Object.fromEntries(env) as Record<string, string>) }
    // `env -i`: a step sees nothing of the test's own environment.
    const words = Object.entries(names).map(([name, text]) => `${name}=${text}`)
    const ended = await run("/usr/bin/env", ["-i", ...words, "bash", ...options, script], {
      cwd: this.workspace,
    })
    await this.readCommands()
    return { status: ended.status, log: ended.stdout + ended.stderr }
  }

  private async action(step: WorkflowStep): Promise<{ status: number; log: string }> {
    const inputs = Object.entries(step.with).map(([name, text]) => [name, interpolate(text, this.contexts)])
    return runAction(step.uses ?? "", new Map(inputs as [string, string][]), {
      origin: this.settings.origin,
      event: this.event,
      workspace: this.workspace,
      artifacts: join(this.folder, "artifacts"),
    })
  }

  private machine(): Record<string, string> {
    const { event, settings, temp } = this
    return {
      ...settings.env,
      PATH: this.path,
      HOME: join(temp, "home"),
      LANG: "C.UTF-8",
      CI: "true",
      GITHUB_ACTIONS: "true",
      GITHUB_ACTOR: event.actor,
      GITHUB_BASE_REF: event.baseRef ?? "",
      GITHUB_EVENT_NAME: event.name,
      GITHUB_EVENT_PATH: join(temp, "event.json"),
      GITHUB_HEAD_REF: event.headRef ?? "",
      GITHUB_JOB: this.job.id,
      GITHUB_REF: event.ref,
      GITHUB_REF_NAME: refName(event.ref),
      GITHUB_REPOSITORY: settings.repository,
      GITHUB_RUN_ID: "1",
      GITHUB_SERVER_URL: settings.serverUrl,
      GITHUB_SHA: event.sha,
      GITHUB_WORKSPACE: this.workspace,
      RUNNER_OS: "Linux",
      RUNNER_TEMP: temp,
      ...Object.fromEntries(commandFiles.map((name) => [name, join(temp, name)])),
    }
  }

  private makeContexts(workflow: Workflow): Contexts {
    const { event, settings, job } = this
    const granted = Object.keys(job.permissions).length === 0 ? workflow.permissions : job.permissions
    // GitHub gives the pull request of a fork no secrets, and a token that reads.
    const permissions = event.fromFork ? readingOnly(granted) : granted
    const token = settings.token?.(permissions) ?? "token"
    const environment = interpolate(job.environment ?? "", { inputs: inputsOf(workflow, event) })
    const secrets = event.fromFork ? {} : { ...settings.secrets, ...settings.environments?.[environment] }
    return {
      github: {
        actor: event.actor,
        base_ref: event.baseRef ?? "",
        event: event.payload,
        event_name: event.name,
        head_ref: event.headRef ?? "",
        ref: event.ref,
        ref_name: refName(event.ref),
        repository: settings.repository,
        repository_owner: settings.repository.split("/", 1)[0] ?? "",
        server_url: settings.serverUrl,
        sha: event.sha,
        token,
        workflow: workflow.name,
      },
      inputs: inputsOf(workflow, event),
      secrets: { ...secrets, GITHUB_TOKEN: token },
      vars: settings.vars ?? {},
    }
  }

  /** Takes over what the step wrote to GITHUB_ENV and GITHUB_PATH. */
  private async readCommands(): Promise<void> {
    const added = await this.takeLines("GITHUB_PATH")
    this.path = [...added.reverse(), this.path].join(":")
    const set = (await this.takeLines("GITHUB_ENV")).map((line) => {
      const [, name, text] = /^(\w+)=(.*)$/.exec(line) ?? []
      if (name === undefined) throw new Error(`not understood in GITHUB_ENV: ${line}`)
      return [name, text]
    })
    this.env = { ...this.env, ...(Object.fromEntries(set) as Record<string, string>) }
    const outputs = await this.takeLines("GITHUB_OUTPUT")
    if (outputs.length > 0) throw new Error("outputs of steps are not known to the stand-in of the runner")
  }

  private async takeLines(name: (typeof commandFiles)[number]): Promise<string[]> {
    const file = join(this.temp, name)
    const lines = (await readFile(file, "utf8")).split("\n").filter((line) => line !== "")
    await writeFile(file, "")
    return lines
  }
}

function refName(ref: string): string {
  return ref.replace(/^refs\/(heads|tags|pull)\//, "")
}

function readingOnly(permissions: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.keys(permissions).map((name) => [name, "read"]))
}
