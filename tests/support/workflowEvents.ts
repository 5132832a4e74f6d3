import type { Workflow, WorkflowInput } from "./workflow.js"
import type { Value } from "./workflowExpressions.js"

/** What GitHub says of the event that starts a run. */
export interface WorkflowEvent {
  readonly name: "push" | "pull_request" | "merge_group" | "workflow_dispatch" | "workflow_run" | "schedule"
  readonly ref: string
  /** Commit that is checked out: for a pull request the merge that GitHub makes. */
  readonly sha: string
  readonly actor: string
  readonly headRef?: string
  readonly baseRef?: string
  readonly fromFork: boolean
  /** The event file, as far as workflows read it. */
  readonly payload: Readonly<Record<string, Value>>
  /** What was filled in by hand. */
  readonly inputs?: Readonly<Record<string, string | boolean>>
}

const nullCommit = "0".repeat(40)

/** A push to a branch; `fork` is one in somebody's fork of the repository. */
export function pushEvent(
  branch: string,
  sha: string,
  more: { readonly before?: string; readonly message?: string; readonly fork?: boolean } = {},
): WorkflowEvent {
  const { before = nullCommit, message = "a change", fork = false } = more
  const payload = { before, head_commit: { message }, repository: { fork, default_branch: "main" } }
  return { name: "push", ref: `refs/heads/${branch}`, sha, actor: "ada", fromFork: false, payload }
}

/** The repository that pull requests go to. */
export const upstream = "ucsd-ets/datahub-docker-stack"

/** Whose a pull request is: the repository's own, a fork's, which may have been deleted since, or the one's it is a fork of. */
export type Foreign = boolean | "deleted" | "parent"

/** A pull request to main, of the repository itself where nothing else is said. */
export function pullRequestEvent(
  number: number,
  sha: string,
  more: { readonly branch?: string; readonly title?: string; readonly fork?: Foreign } = {},
): WorkflowEvent {
  const { branch = "change", title = "A change", fork = false } = more
  const repo =
    fork === false || fork === "parent"
      ? { full_name: fork === "parent" ? "parent/stack" : upstream, fork: false }
      : { full_name: "mallory/stack", fork: true }
  return {
    name: "pull_request",
    ref: `refs/pull/${number}/merge`,
    sha,
    actor: fork === false ? "ada" : "mallory",
    headRef: branch,
    baseRef: "main",
    fromFork: fork !== false,
    payload: {
      number,
      pull_request: { title, head: { repo: fork === "deleted" ? null : repo } },
      repository: { fork: false, default_branch: "main" },
    },
  }
}

/** What the merge queue of main has put together, to be tested before main moves to it. */
export function mergeGroupEvent(number: number, sha: string): WorkflowEvent {
  const ref = `refs/heads/gh-readonly-queue/main/pr-${number}-${sha}`
  const payload = {
    merge_group: { head_ref: ref, base_ref: "refs/heads/main" },
    repository: { fork: false, default_branch: "main" },
  }
  return { name: "merge_group", ref, sha, actor: "ada", fromFork: false, payload }
}

/** The end of another workflow's run: what it starts runs on the default branch, whatever the other ran on. */
export function workflowRunEvent(
  sha: string,
  of: { readonly event: string; readonly owner: string; readonly branch: string; readonly head: string },
): WorkflowEvent {
  const repository = { full_name: `${of.owner}/stack`, owner: { login: of.owner } }
  const run = {
    id: 12,
    event: of.event,
    head_branch: of.branch,
    head_sha: of.head,
    head_repository: repository,
  }
  const payload = { workflow_run: run, repository: { fork: false, default_branch: "main" } }
  return { name: "workflow_run", ref: "refs/heads/main", sha, actor: of.owner, fromFork: false, payload }
}

/** A run that somebody starts by hand. */
export function dispatchEvent(
  branch: string,
  sha: string,
  inputs: Readonly<Record<string, string | boolean>> = {},
): WorkflowEvent {
  const payload = { inputs: asTexts(inputs), repository: { fork: false, default_branch: "main" } }
  return {
    name: "workflow_dispatch",
    ref: `refs/heads/${branch}`,
    sha,
    actor: "ada",
    fromFork: false,
    payload,
    inputs,
  }
}

/** What GitHub starts by the clock, on the default branch. */
export function scheduleEvent(sha: string): WorkflowEvent {
  const payload = { schedule: "17 5 * * 1", repository: { fork: false, default_branch: "main" } }
  return { name: "schedule", ref: "refs/heads/main", sha, actor: "ada", fromFork: false, payload }
}

/** Whether an event starts a workflow. */
export function startsOn({ triggers }: Workflow, event: WorkflowEvent): boolean {
  const trigger = triggers.get(event.name)
  if (trigger === undefined) return false
  if (trigger.branches === undefined) return true
  const branch = event.baseRef ?? event.ref.replace("refs/heads/", "")
  // As GitHub reads it: each pattern that matches decides again.
  return trigger.branches.reduce((starts, pattern) => {
    const excludes = pattern.startsWith("!")
    return matches(excludes ? pattern.slice(1) : pattern, branch) ? !excludes : starts
  }, false)
}

function matches(pattern: string, branch: string): boolean {
  const [, start, rest] = /^([^*]*)(\*\*)?$/.exec(pattern) ?? []
  if (start === undefined) throw new Error(`the pattern ${pattern} is not known here`)
  return rest === undefined ? branch === start : branch.startsWith(start)
}

/**
 * The `inputs` context: what was filled in, else the defaults.
 * @throws Error for an input that GitHub would refuse
 */
export function inputsOf({ triggers }: Workflow, event: WorkflowEvent): Readonly<Record<string, Value>> {
  return filledIn(triggers.get(event.name)?.inputs ?? new Map<string, WorkflowInput>(), event.inputs ?? {})
}

/**
 * The `inputs` context of a workflow that is called.
 * @throws Error for an input that GitHub would refuse
 */
export function inputsOfCall(
  { triggers, file }: Workflow,
  given: Readonly<Record<string, Value>>,
): Readonly<Record<string, Value>> {
  const trigger = triggers.get("workflow_call")
  if (trigger === undefined) throw new Error(`${file} cannot be called`)
  return filledIn(trigger.inputs, given)
}

function filledIn(
  declared: ReadonlyMap<string, WorkflowInput>,
  given: Readonly<Record<string, Value>>,
): Readonly<Record<string, Value>> {
  const strange = Object.keys(given).find((name) => !declared.has(name))
  if (strange !== undefined) throw new Error(`the workflow has no input "${strange}"`)
  return Object.fromEntries(
    [...declared].map(([name, input]) => [name, inputValue(name, input, given[name])]),
  )
}

function inputValue(name: string, input: WorkflowInput, given: Value | undefined): Value {
  const value = given ?? input.default ?? (input.type === "boolean" ? false : "")
  if (typeof value !== input.type) throw new Error(`the input "${name}" is a ${input.type}`)
  if (input.required && value === "") throw new Error(`the input "${name}" is required`)
  return value
}

function asTexts(inputs: Readonly<Record<string, string | boolean>>): Readonly<Record<string, Value>> {
  return Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, String(value)]))
}
