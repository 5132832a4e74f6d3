import { readFileSync } from "node:fs"
import { basename } from "node:path"
import { parse } from "yaml"
import type { Value } from "./workflowExpressions.js"

/** A mapping of a workflow file; its keys are checked one by one. */
type Mapping = Readonly<Record<string, unknown>>

/** A step of a job: a script or an action. */
export interface WorkflowStep {
  readonly name: string
  readonly id?: string
  readonly if?: string
  readonly env: Readonly<Record<string, string>>
  readonly run?: string
  readonly shell?: string
  /** `owner/name@commit` */
  readonly uses?: string
  readonly with: Readonly<Record<string, string>>
}

/**
 * A workflow that a job calls, as `owner/name/.github/workflows/file.yml@commit`, or one beside it, as
 * `./.github/workflows/file.yml`, and what it is given.
 */
export interface WorkflowUse {
  /** `owner/name`; empty, as the commit is, for one beside the calling workflow. */
  readonly repository: string
  readonly path: string
  readonly commit: string
  readonly with: Readonly<Record<string, string>>
  readonly secrets: Readonly<Record<string, string>>
}

/** A job, with its expressions as they are written. */
export interface WorkflowJob {
  readonly id: string
  /** Name of its check. */
  readonly name: string
  /** What it calls instead of having steps. */
  readonly call?: WorkflowUse
  readonly if?: string
  readonly needs: readonly string[]
  readonly runsOn: string
  readonly environment?: string
  readonly permissions: Readonly<Record<string, string>>
  /** What it hands on to the jobs that need it, by name. */
  readonly outputs: Readonly<Record<string, string>>
  readonly matrix?: WorkflowMatrix
  readonly steps: readonly WorkflowStep[]
}

/** One job for each value of a list, one after the other in its order. */
export interface WorkflowMatrix {
  readonly variable: string
  /** The expression of the list. */
  readonly values: string
  /** Whether a failure cancels those that come later. */
  readonly failFast: boolean
}

/** An input of a workflow that is started by hand or called. */
export interface WorkflowInput {
  readonly type: "string" | "boolean"
  readonly required: boolean
  readonly default?: Value
}

/** One way to start a workflow. */
export interface WorkflowTrigger {
  /** Patterns of branches: for a pull request those it goes to. */
  readonly branches?: readonly string[]
  readonly inputs: ReadonlyMap<string, WorkflowInput>
  /** Names of the secrets that it takes from who calls it. */
  readonly secrets: readonly string[]
}

/** A file of .github/workflows, as far as the stand-in of the runner knows the format. */
export interface Workflow {
  readonly file: string
  readonly name: string
  readonly triggers: ReadonlyMap<string, WorkflowTrigger>
  readonly permissions: Readonly<Record<string, string>>
  readonly concurrency?: { readonly group: string; readonly cancelInProgress: string }
  readonly jobs: readonly WorkflowJob[]
}

/** Reads a workflow. @throws as parseWorkflow */
export function readWorkflow(path: string): Workflow {
  return parseWorkflow(readFileSync(path, "utf8"), path)
}

/**
 * Takes a workflow's text apart.
 * @throws Error for every key that the stand-in does not know, rather than to leave it out of the test
 */
export function parseWorkflow(yaml: string, path: string): Workflow {
  const top = mapping(parse(yaml), path)
  onlyKeys(top, ["name", "on", "permissions", "concurrency", "jobs"], path)
  return {
    file: basename(path),
    name: text(top.name, "name"),
    triggers: new Map(
      entries(top.on, "on").map(([event, trigger]) => [event, readTrigger(trigger ?? {}, event)]),
    ),
    permissions: texts(top.permissions, "permissions"),
    ...(top.concurrency !== undefined && {
      concurrency: readConcurrency(mapping(top.concurrency, "concurrency")),
    }),
    jobs: entries(top.jobs, "jobs").map(([id, job]) => readJob(id, mapping(job, id))),
  }
}

function readConcurrency(concurrency: Mapping): NonNullable<Workflow["concurrency"]> {
  onlyKeys(concurrency, ["group", "cancel-in-progress"], "concurrency")
  return {
    group: text(concurrency.group, "group"),
    cancelInProgress: text(concurrency["cancel-in-progress"], "cancel-in-progress"),
  }
}

function readTrigger(given: unknown, event: string): WorkflowTrigger {
  // When the clock strikes is GitHub's business.
  if (event === "schedule") return { inputs: new Map(), secrets: [] }
  const trigger = mapping(given, event)
  const known: Record<string, readonly string[]> = {
    push: ["branches"],
    pull_request: ["branches"],
    merge_group: [],
    workflow_dispatch: ["inputs"],
    workflow_call: ["inputs", "secrets"],
    workflow_run: ["workflows", "types"],
  }
  onlyKeys(trigger, known[event] ?? [], event)
  const inputs = entries(trigger.inputs ?? {}, "inputs").map(
    ([name, input]) => [name, readInput(input)] as const,
  )
  return {
    ...(trigger.branches !== undefined && { branches: list(trigger.branches, "branches") }),
    inputs: new Map(inputs),
    secrets: Object.keys(mapping(trigger.secrets ?? {}, "secrets")),
  }
}

function readInput(given: unknown): WorkflowInput {
  const input = mapping(given, "input")
  onlyKeys(input, ["type", "description", "required", "default"], "input")
  if (input.type !== "string" && input.type !== "boolean")
    throw new Error(`an input of type ${String(input.type)}`)
  return {
    type: input.type,
    required: input.required === true,
    ...(input.default !== undefined && { default: input.default as Value }),
  }
}

const jobKeys = [
  ...["name", "if", "needs", "runs-on", "timeout-minutes", "environment"],
  ...["permissions", "outputs", "strategy", "steps"],
]

const callKeys = ["name", "if", "needs", "permissions", "uses", "with", "secrets"]

function readJob(id: string, job: Mapping): WorkflowJob {
  const calls = job.uses !== undefined
  onlyKeys(job, calls ? callKeys : jobKeys, id)
  const needs = job.needs ?? []
  return {
    id,
    name: text(job.name ?? id, "name"),
    needs: typeof needs === "string" ? [needs] : list(needs, "needs"),
    ...(calls && { call: readCall(job) }),
    runsOn: calls ? "" : text(job["runs-on"], "runs-on"),
    permissions: texts(job.permissions, "permissions"),
    outputs: texts(job.outputs ?? {}, "outputs"),
    ...(job.strategy !== undefined && { matrix: readMatrix(mapping(job.strategy, "strategy")) }),
    steps: ((job.steps ?? []) as readonly unknown[]).map((step) => readStep(mapping(step, "step"))),
    ...(job.if !== undefined && { if: text(job.if, "if") }),
    ...(job.environment !== undefined && { environment: text(job.environment, "environment") }),
  }
}

/** What GitHub calls by its name may change any time: only a whole commit is taken here. */
function readCall(job: Mapping): WorkflowUse {
  const uses = text(job.uses, "uses")
  const form = /^(?:\.|([\w.-]+\/[\w.-]+))\/(\.github\/workflows\/[\w.-]+\.yml)(?:@([0-9a-f]{40}))?$/
  const [, repository = "", path, commit = ""] = form.exec(uses) ?? []
  if (path === undefined || (repository === "") !== (commit === ""))
    throw new Error(`${uses} is no workflow of a repository at a full commit`)
  return {
    repository,
    path,
    commit,
    with: texts(job.with ?? {}, "with"),
    secrets: texts(job.secrets ?? {}, "secrets"),
  }
}

/**
 * A matrix of one variable. The stand-in has one machine, so its jobs run one after another: those that run side by side
 * on GitHub must not end each other.
 */
function readMatrix(strategy: Mapping): WorkflowMatrix {
  onlyKeys(strategy, ["matrix", "max-parallel", "fail-fast"], "strategy")
  if (strategy["max-parallel"] !== 1 && strategy["fail-fast"] !== false)
    throw new Error("the stand-in knows a matrix with max-parallel: 1 or fail-fast: false only")
  const [only, more] = entries(strategy.matrix, "matrix")
  if (only === undefined || more !== undefined)
    throw new Error("the stand-in knows a matrix of one variable only")
  const [variable, values] = only
  if (variable === "include" || variable === "exclude")
    throw new Error(`the stand-in of the runner does not know "${variable}" in matrix`)
  const expression = Array.isArray(values)
    ? `\${{ fromJSON('${JSON.stringify(values)}') }}`
    : text(values, variable)
  return { variable, values: expression, failFast: strategy["fail-fast"] !== false }
}

function readStep(step: Mapping): WorkflowStep {
  onlyKeys(step, ["name", "id", "if", "env", "run", "shell", "uses", "with"], "step")
  if ((step.run === undefined) === (step.uses === undefined)) throw new Error("a step has either run or uses")
  return {
    name: text(step.name, "name"),
    env: texts(step.env ?? {}, "env"),
    with: texts(step.with ?? {}, "with"),
    ...optionalTexts(step, ["id", "if", "run", "shell", "uses"]),
  }
}

function optionalTexts<Key extends string>(
  from: Mapping,
  keys: readonly Key[],
): Partial<Record<Key, string>> {
  const given = keys.filter((key) => from[key] !== undefined)
  return Object.fromEntries(given.map((key) => [key, text(from[key], key)])) as Partial<Record<Key, string>>
}

function onlyKeys(given: Mapping, known: readonly string[], where: string): void {
  const unknown = Object.keys(given).find((key) => !known.includes(key))
  if (unknown !== undefined)
    throw new Error(`the stand-in of the runner does not know "${unknown}" in ${where}`)
}

function mapping(value: unknown, where: string): Mapping {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error(`${where} is no mapping`)
  return value as Mapping
}

function entries(value: unknown, where: string): readonly (readonly [string, unknown])[] {
  return Object.entries(mapping(value, where))
}

function text(value: unknown, where: string): string {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean")
    return String(value)
  throw new Error(`${where} is no text`)
}

function texts(value: unknown, where: string): Readonly<Record<string, string>> {
  return Object.fromEntries(entries(value, where).map(([key, one]) => [key, text(one, key)]))
}

function list(value: unknown, where: string): readonly string[] {
  if (!Array.isArray(value)) throw new Error(`${where} is no list`)
  return value.map((one) => text(one, where))
}
