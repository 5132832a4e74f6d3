import { access, cp, mkdir, readdir } from "node:fs/promises"
import { basename, join, resolve } from "node:path"
import { run } from "./stack.js"
import type { WorkflowEvent } from "./workflowEvents.js"

/** Where an action finds what it works on. */
export interface ActionPlace {
  /** The repository as GitHub holds it. */
  readonly origin: string
  readonly event: WorkflowEvent
  readonly workspace: string
  /** Folder of the run's artifacts. */
  readonly artifacts: string
  /** That of the run which an action names by its id. */
  readonly artifactsOfRun?: string | undefined
}

type Inputs = ReadonlyMap<string, string>
type Action = (
  inputs: Inputs,
  place: ActionPlace,
) => Promise<{ readonly status: number; readonly log: string }>

const actions: ReadonlyMap<string, Action> = new Map([
  ["actions/checkout", checkOut],
  ["actions/upload-artifact", upload],
  ["actions/download-artifact", download],
])

/**
 * Does what an action does on GitHub, as far as the workflows use it.
 * @param uses `owner/name@commit`
 * @throws Error for another action or input: nothing is skipped silently
 */
export function runAction(uses: string, inputs: Inputs, place: ActionPlace): ReturnType<Action> {
  const [, name = "", commit] = /^([\w-]+\/[\w-]+)@([0-9a-f]{40})$/.exec(uses) ?? []
  if (commit === undefined) throw new Error(`${uses} is not pinned by a full commit`)
  const action = actions.get(name)
  if (action === undefined) throw new Error(`the action ${name} has no local counterpart`)
  return action(inputs, place)
}

/** As the action: a branch is checked out as such, a pull request as a detached head. */
async function checkOut(inputs: Inputs, { origin, event, workspace }: ActionPlace): ReturnType<Action> {
  known(inputs, ["fetch-depth", "persist-credentials"])
  const depth = inputs.get("fetch-depth") ?? "1"
  const isBranch = event.ref.startsWith("refs/heads/")
  const local = isBranch
    ? event.ref.replace("refs/heads/", "refs/remotes/origin/")
    : "refs/remotes/pull/merge"
  const head = isBranch ? ["-B", event.ref.replace("refs/heads/", ""), local] : ["--detach", event.sha]
  const fetch = ["fetch", "--quiet", "--no-tags", "origin"]
  const everything = [...fetch, "+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"]
  return inOrder(workspace, [
    ["init", "--quiet"],
    ["remote", "add", "origin", `file://${origin}`],
    ...(depth === "0" ? [everything] : []),
    [...fetch, ...(depth === "0" ? [] : [`--depth=${depth}`]), `+${event.sha}:${local}`],
    ["checkout", "--quiet", "--force", ...head],
  ])
}

async function inOrder(cwd: string, commands: readonly (readonly string[])[]): ReturnType<Action> {
  for (const command of commands) {
    const { status, stderr } = await run("git", command, { cwd })
    if (status !== 0) return { status, log: `git ${command.join(" ")}: ${stderr}` }
  }
  return { status: 0, log: "" }
}

/** Hidden files stay behind, as with the action. */
async function upload(inputs: Inputs, { workspace, artifacts }: ActionPlace): ReturnType<Action> {
  known(inputs, ["name", "path", "if-no-files-found"])
  const from = join(workspace, inputs.get("path") ?? "")
  const to = join(artifacts, inputs.get("name") ?? "artifact")
  if (!(await exists(from))) return { status: 1, log: `No files were found with the provided path: ${from}` }
  if (await exists(to)) return { status: 1, log: `an artifact with this name already exists: ${to}` }
  await mkdir(artifacts, { recursive: true })
  await cp(from, to, { recursive: true, filter: (path) => !basename(path).startsWith(".") })
  return { status: 0, log: "" }
}

async function download(inputs: Inputs, place: ActionPlace): ReturnType<Action> {
  known(inputs, ["name", "path", "pattern", "run-id", "github-token"])
  const { workspace } = place
  const artifacts = inputs.has("run-id") ? (place.artifactsOfRun ?? "") : place.artifacts
  const pattern = inputs.get("pattern")
  const to = resolve(workspace, inputs.get("path") ?? "")
  if (pattern !== undefined) return downloadAll(pattern, to, artifacts)
  const from = join(artifacts, inputs.get("name") ?? "")
  if (!(await exists(from))) return { status: 1, log: `Artifact not found: ${from}` }
  await cp(from, to, { recursive: true })
  return { status: 0, log: "" }
}

/** Those whose names match, each into a folder of its name; none is no mistake, as with the action. */
async function downloadAll(pattern: string, to: string, artifacts: string): ReturnType<Action> {
  const [, start] = /^([^*]+)\*$/.exec(pattern) ?? []
  if (start === undefined) throw new Error(`the pattern ${pattern} of artifacts is not known here`)
  const names = (await readdir(artifacts)).filter((name) => name.startsWith(start))
  for (const name of names) await cp(join(artifacts, name), join(to, name), { recursive: true })
  return { status: 0, log: "" }
}

function known(inputs: Inputs, names: readonly string[]): void {
  const strange = [...inputs.keys()].find((name) => !names.includes(name))
  if (strange !== undefined) throw new Error(`the local counterpart of the action does not know "${strange}"`)
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
