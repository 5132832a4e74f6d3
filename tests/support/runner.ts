import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { runAction } from "./runnerActions.js"
import { run } from "./stack.js"
import { parseWorkflow } from "./workflow.js"
import type { Workflow, WorkflowJob, WorkflowMatrix, WorkflowStep, WorkflowUse } from "./workflow.js"
import type { Contexts, Value } from "./workflowExpressions.js"
import { conditionHolds, interpolate, valueOf } from "./workflowExpressions.js"
import { inputsOf, inputsOfCall, startsOn } from "./workflowEvents.js"
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
  /**
   * Where the wiki is, too: `<serverUrl>/<repository>.wiki.git`, and, as `file://...`, the repositories with the workflows
   * that are called: `<serverUrl>/<owner>/<name>`.
   */
  readonly serverUrl: string
  readonly vars?: Readonly<Record<string, string>>
  /** Those of the repository, by name. */
  readonly secrets?: Readonly<Record<string, string>>
  /** Those of an environment, by the environment's and the secret's name. */
  readonly environments?: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** GITHUB_TOKEN for the permissions of a job. */
  readonly token?: (permissions: Readonly<Record<string, string>>) => string
  /** Where a job with `id-token: write` asks for its identity, and with what; a place on the server where not given. */
  readonly identity?: { readonly url: string; readonly token: string }
  /** Whether the machine is one of GitHub's. */
  readonly hosted?: boolean
  /** PATH of the machine. */
  readonly path: string
  /** What else the machine has in its environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Artifacts of the run that a workflow_run is about. */
  readonly artifactsOfRun?: string
}

/** A job of a matrix is cancelled where one before it failed. */
export type Conclusion = "success" | "failure" | "skipped" | "cancelled"

export interface StepRun {
  readonly name: string
  readonly conclusion: Conclusion
  /** All that it printed. A real runner would hide secrets in it. */
  readonly log: string
}

export interface JobRun {
  /** Name of its check. */
  readonly check: string
  readonly conclusion: Conclusion
  readonly steps: readonly StepRun[]
  /** What the page of the run shows. */
  readonly summary: string
  /** Label of the machine that it asked for. */
  readonly runsOn: string
  readonly environment?: string
  /** What it hands on, by name. */
  readonly outputs: Readonly<Record<string, string>>
}

export interface WorkflowRun {
  readonly conclusion: Conclusion
  /** Runs of one group follow each other; empty where the workflow has none. */
  readonly group: string
  /** By id; those of a matrix as `id (value)`, those of a workflow that a job calls as `job / id`. */
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
  const inputs = inputsOf(workflow, event)
  const name = workflow.name
  const started = { workflow, name, event, settings, folder, artifacts: join(folder, "artifacts"), inputs }
  const group = interpolate(workflow.concurrency?.group ?? "", eventContexts(started))
  const jobs = await runJobs(started)
  const runs = [...jobs.values()]
  return {
    conclusion: overall(runs),
    group,
    jobs,
    artifacts: started.artifacts,
    log: runs.flatMap(({ steps }) => steps.map(({ log }) => log)).join("\n"),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

async function runJobs(started: StartedRun): Promise<ReadonlyMap<string, JobRun>> {
  const jobs = new Map<string, JobRun>()
  const ended = new Map<string, EndedJob>()
  for (const job of started.workflow.jobs) {
    const runs = await runJob(started, job, ended)
    for (const [name, run] of runs) jobs.set(name, run)
    ended.set(job.id, endOf(job, [...runs.values()], ended))
  }
  return jobs
}

/** A run that has begun, or the part of one that a called workflow is. */
interface StartedRun {
  readonly workflow: Workflow
  /** Name of the workflow that the event has started. */
  readonly name: string
  readonly event: WorkflowEvent
  readonly settings: RunnerSettings
  /** Holds everything that it leaves. */
  readonly folder: string
  readonly artifacts: string
  readonly inputs: Readonly<Record<string, Value>>
  /** Where the workflow is from, and the secrets that it was given, where another one has called it. */
  readonly called?: { readonly use: WorkflowUse; readonly secrets: Readonly<Record<string, string>> }
}

/** A job, or all jobs of a matrix, for those that need it. */
interface EndedJob {
  readonly result: Conclusion
  readonly outputs: Readonly<Record<string, string>>
  /** All jobs that it stood on, at whatever distance. */
  readonly ancestors: ReadonlySet<string>
}

/** Contexts that do not depend on the job, as GitHub has them for `concurrency`. */
function eventContexts({ name, event, settings, inputs }: StartedRun): Contexts {
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
      run_id: 1,
      repository_owner: settings.repository.split("/", 1)[0] ?? "",
      server_url: settings.serverUrl,
      sha: event.sha,
      workflow: name,
    },
    inputs,
    vars: settings.vars ?? {},
  }
}

/** Runs a job, or one for each value of its matrix, named as on the page of the run: `image (base)`. */
async function runJob(
  started: StartedRun,
  job: WorkflowJob,
  ended: ReadonlyMap<string, EndedJob>,
): Promise<ReadonlyMap<string, JobRun>> {
  const needs = job.needs.map((name) => {
    const { result, outputs } = endedJob(ended, name, job.id)
    return [name, { result, outputs }] as const
  })
  const contexts = { ...eventContexts(started), needs: Object.fromEntries(needs) }
  const before = [...ancestorsOf(job, ended)].map((name) => endedJob(ended, name, job.id).result)
  const status = {
    succeeded: before.every((result) => result === "success"),
    failed: before.includes("failure"),
  }
  if (!conditionHolds(job.if, contexts, status)) {
    // Without its matrix there is nothing to fill in.
    const check = job.matrix === undefined ? interpolate(job.name, contexts) : job.name
    return new Map([[job.id, withoutSteps("skipped", check)]])
  }
  if (job.call !== undefined) return runCalled(started, job, job.call, contexts)
  if (job.matrix === undefined)
    return new Map([[job.id, await new Job(started, job, contexts, job.id).run()]])
  return runMatrix(started, job, job.matrix, contexts)
}

/** Runs the jobs of a workflow that a job calls, for the same event; checks and folders are named after both. */
async function runCalled(
  started: StartedRun,
  job: WorkflowJob,
  written: WorkflowUse,
  contexts: Contexts,
): Promise<ReadonlyMap<string, JobRun>> {
  const { settings, event } = started
  const isBeside = written.repository === ""
  const use = isBeside ? { ...written, repository: settings.repository, commit: event.sha } : written
  const folder = isBeside ? settings.origin : fileURLToPath(`${settings.serverUrl}/${use.repository}`)
  const workflow = await fetchWorkflow(folder, use)
  const given = Object.entries(use.with).map(([name, text]) => {
    const value = /^\$\{\{.*\}\}$/s.test(text) ? valueOf(text, contexts) : text
    return [name, value] as const
  })
  const inputs = inputsOfCall(workflow, Object.fromEntries(given))
  refuseMorePermissions(workflow, job)
  const secrets = secretsOfCall(workflow, use, { ...contexts, secrets: secretsOf(started, "") })
  const part = {
    ...started,
    workflow,
    folder: join(started.folder, job.id),
    inputs,
    called: { use, secrets },
  }
  const group = workflow.concurrency && interpolate(workflow.concurrency.group, eventContexts(part))
  const own = interpolate(started.workflow.concurrency?.group ?? "", eventContexts(started))
  if (group !== undefined && group === own)
    throw new Error(`${job.id} waits for itself, in the group ${group}`)
  const check = interpolate(job.name, contexts)
  const runs = [...(await runJobs(part))].map(
    ([id, run]) => [`${job.id} / ${id}`, { ...run, check: `${check} / ${run.check}` }] as const,
  )
  return new Map(runs)
}

async function fetchWorkflow(cwd: string, use: WorkflowUse): Promise<Workflow> {
  const { status, stdout, stderr } = await run("git", ["show", `${use.commit}:${use.path}`], { cwd })
  if (status !== 0) throw new Error(`${use.repository} has no ${use.path} at ${use.commit}: ${stderr}`)
  return parseWorkflow(stdout, use.path)
}

/** As GitHub, which starts nothing of such a workflow. */
function refuseMorePermissions(workflow: Workflow, caller: WorkflowJob): void {
  const ranks = ["none", "read", "write"]
  for (const job of workflow.jobs) {
    for (const [name, wanted] of Object.entries(job.permissions)) {
      const allowed = caller.permissions[name] ?? "none"
      if (ranks.indexOf(wanted) > ranks.indexOf(allowed))
        throw new Error(`${job.id} asks for "${name}: ${wanted}", but is only allowed "${name}: ${allowed}"`)
    }
  }
}

function secretsOfCall(
  { triggers, file }: Workflow,
  use: WorkflowUse,
  contexts: Contexts,
): Readonly<Record<string, string>> {
  const declared = triggers.get("workflow_call")?.secrets ?? []
  const strange = Object.keys(use.secrets).find((name) => !declared.includes(name))
  if (strange !== undefined) throw new Error(`${file} takes no secret "${strange}"`)
  const given = Object.entries(use.secrets).map(([name, text]) => [name, interpolate(text, contexts)])
  return Object.fromEntries(given) as Record<string, string>
}

/**
 * The secrets that a job in an environment sees. In a called workflow those of the environment come before what was
 * given, but only those whose names were given: github.com/actions/runner/issues/1490.
 */
function secretsOf({ event, settings, called }: StartedRun, environment: string): Record<string, string> {
  if (event.fromFork) return {}
  const own = settings.environments?.[environment]
  if (called === undefined) return { ...settings.secrets, ...own }
  return Object.fromEntries(
    Object.entries(called.secrets).map(([name, given]) => [name, own?.[name] ?? given]),
  )
}

async function runMatrix(
  started: StartedRun,
  job: WorkflowJob,
  { variable, values, failFast }: WorkflowMatrix,
  contexts: Contexts,
): Promise<ReadonlyMap<string, JobRun>> {
  const list = valueOf(values, contexts)
  if (!Array.isArray(list) || list.length === 0)
    throw new Error(`the matrix of ${job.id} has no values for "${variable}"`)
  const runs = new Map<string, JobRun>()
  for (const [index, value] of (list as readonly Value[]).entries()) {
    const failed = [...runs.values()].some(({ conclusion }) => conclusion === "failure")
    const own = { ...contexts, matrix: { [variable]: value } }
    const run =
      failed && failFast
        ? withoutSteps("cancelled", interpolate(job.name, own))
        : await new Job(started, job, own, `${job.id}-${index}`).run()
    runs.set(`${job.id} (${interpolate(`\${{ matrix.${variable} }}`, own)})`, run)
  }
  return runs
}

/** GitHub's result of a matrix is a failure where one of its jobs failed, and its outputs are those of the last one. */
function endOf(job: WorkflowJob, runs: readonly JobRun[], ended: ReadonlyMap<string, EndedJob>): EndedJob {
  const outputs = Object.assign({}, ...runs.map((run) => run.outputs)) as Record<string, string>
  return { result: overall(runs), outputs, ancestors: ancestorsOf(job, ended) }
}

function ancestorsOf(job: WorkflowJob, ended: ReadonlyMap<string, EndedJob>): ReadonlySet<string> {
  return new Set(job.needs.flatMap((name) => [name, ...endedJob(ended, name, job.id).ancestors]))
}

function endedJob(ended: ReadonlyMap<string, EndedJob>, name: string, needing: string): EndedJob {
  const found = ended.get(name)
  if (found === undefined) throw new Error(`${needing} comes before what it needs`)
  return found
}

function withoutSteps(conclusion: Conclusion, check: string): JobRun {
  return { check, conclusion, steps: [], summary: "", runsOn: "", outputs: {} }
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
  /** What steps left for later ones, by their id. */
  private readonly steps = new Map<string, Value>()
  /** What steps set for later ones. */
  private env: Readonly<Record<string, string>> = {}
  private path: string

  /** @param name of its folder */
  constructor(
    private readonly started: StartedRun,
    private readonly job: WorkflowJob,
    contexts: Contexts,
    name: string,
  ) {
    this.workspace = join(started.folder, name, "workspace")
    this.temp = join(started.folder, name, "temp")
    this.path = started.settings.path
    this.contexts = this.makeContexts(contexts)
  }

  async run(): Promise<JobRun> {
    const { job, contexts } = this
    const about = {
      check: interpolate(job.name, contexts),
      runsOn: interpolate(job.runsOn, contexts),
      ...(job.environment !== undefined && { environment: interpolate(job.environment, contexts) }),
    }
    await mkdir(this.workspace, { recursive: true })
    await mkdir(join(this.temp, "home"), { recursive: true })
    await writeFile(join(this.temp, "event.json"), JSON.stringify(this.started.event.payload))
    for (const name of commandFiles) await writeFile(join(this.temp, name), "")
    const steps: StepRun[] = []
    for (const step of job.steps) steps.push(await this.step(step, steps))
    const summary = await readFile(join(this.temp, "GITHUB_STEP_SUMMARY"), "utf8")
    const outputs = Object.entries(job.outputs).map(([name, text]) => [
      name,
      interpolate(text, this.stepContexts()),
    ])
    const handedOn = Object.fromEntries(outputs) as Record<string, string>
    return { conclusion: overall(steps), steps, summary, outputs: handedOn, ...about }
  }

  private async step(step: WorkflowStep, before: readonly StepRun[]): Promise<StepRun> {
    const failed = before.some(({ conclusion }) => conclusion === "failure")
    if (!conditionHolds(step.if, this.stepContexts(), { failed, succeeded: !failed }))
      return { name: step.name, conclusion: "skipped", log: "" }
    const { status, log } = step.uses === undefined ? await this.script(step) : await this.action(step)
    return { name: step.name, conclusion: status === 0 ? "success" : "failure", log }
  }

  /** As the runner starts a script: without `shell` by `bash -e`, with `shell: bash` stricter. */
  private async script(step: WorkflowStep): Promise<{ status: number; log: string }> {
    const script = join(this.temp, "script.sh")
    const contexts = this.stepContexts()
    await writeFile(script, interpolate(step.run ?? "", contexts))
    const options = step.shell === undefined ? ["-e"] : ["--noprofile", "--norc", "-eo", "pipefail"]
    const env = Object.entries(step.env).map(([name, text]) => [name, interpolate(text, contexts)])
    const names = { ...this.machine(), ...this.env, ...(Object.fromEntries(env) as Record<string, string>) }
    // `env -i`: a step sees nothing of the test's own environment.
    const words = Object.entries(names).map(([name, text]) => `${name}=${text}`)
    // Both streams are one log, in the order in which they were written.
    const both = ["bash", "-c", 'exec bash "$@" 2>&1', "bash"]
    const ended = await run("/usr/bin/env", ["-i", ...words, ...both, ...options, script], {
      cwd: this.workspace,
    })
    await this.readCommands(step)
    return { status: ended.status, log: ended.stdout + ended.stderr }
  }

  private async action(step: WorkflowStep): Promise<{ status: number; log: string }> {
    const inputs = Object.entries(step.with).map(([name, text]) => [
      name,
      interpolate(text, this.stepContexts()),
    ])
    return runAction(step.uses ?? "", new Map(inputs as [string, string][]), {
      origin: this.started.settings.origin,
      event: this.started.event,
      workspace: this.workspace,
      artifacts: this.started.artifacts,
      artifactsOfRun: this.started.settings.artifactsOfRun,
    })
  }

  private machine(): Record<string, string> {
    const { temp } = this
    const { event, settings } = this.started
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
      ...this.identity(),
      ...Object.fromEntries(commandFiles.map((name) => [name, join(temp, name)])),
    }
  }

  /** What the job may. GitHub gives the pull request of a fork no secrets, and a token that reads. */
  private permissions(): Readonly<Record<string, string>> {
    const { workflow, event } = this.started
    const { permissions } = this.job
    const granted = Object.keys(permissions).length === 0 ? workflow.permissions : permissions
    return event.fromFork ? readingOnly(granted) : granted
  }

  /** Where a job that may do so asks for its identity, and with what. */
  private identity(): Readonly<Record<string, string>> {
    if (this.permissions()["id-token"] !== "write") return {}
    const { serverUrl, identity } = this.started.settings
    const usual = { url: `${serverUrl}/identity?api-version=2.0`, token: `identity of ${this.job.id}` }
    const { url, token } = identity ?? usual
    return { ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: token }
  }

  /** Adds what is the job's own: its token and the secrets that it may see. */
  private makeContexts(contexts: Contexts): Contexts {
    const { job } = this
    const token = this.started.settings.token?.(this.permissions()) ?? "token"
    const environment = interpolate(job.environment ?? "", contexts)
    const secrets = secretsOf(this.started, environment)
    return {
      ...contexts,
      github: { ...(contexts.github as Record<string, Value>), token },
      secrets: { ...secrets, GITHUB_TOKEN: token },
    }
  }

  /** What a step sees besides: the machine, and what steps before it left. */
  private stepContexts(): Contexts {
    const { settings, event, called } = this.started
    const environment = settings.hosted === true ? "github-hosted" : "self-hosted"
    return {
      ...this.contexts,
      job: {
        workflow_repository: called?.use.repository ?? settings.repository,
        workflow_sha: called?.use.commit ?? event.sha,
      },
      runner: { environment, os: "Linux", temp: this.temp },
      steps: Object.fromEntries(this.steps),
    }
  }

  /** Takes over what the step wrote to GITHUB_ENV, GITHUB_PATH and GITHUB_OUTPUT. */
  private async readCommands({ id, name }: WorkflowStep): Promise<void> {
    const added = await this.takeLines("GITHUB_PATH")
    this.path = [...added.reverse(), this.path].join(":")
    this.env = { ...this.env, ...(await this.takeNamed("GITHUB_ENV")) }
    const outputs = await this.takeNamed("GITHUB_OUTPUT")
    if (id !== undefined) this.steps.set(id, { outputs })
    else if (Object.keys(outputs).length > 0)
      throw new Error(`nobody can read the outputs of "${name}": it has no id`)
  }

  private async takeNamed(file: "GITHUB_ENV" | "GITHUB_OUTPUT"): Promise<Readonly<Record<string, string>>> {
    const entries = (await this.takeLines(file)).map((line) => {
      const [, name, text] = /^([\w-]+)=(.*)$/.exec(line) ?? []
      if (name === undefined) throw new Error(`not understood in ${file}: ${line}`)
      return [name, text]
    })
    return Object.fromEntries(entries) as Record<string, string>
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
