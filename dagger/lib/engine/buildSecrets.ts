import { dag, Secret, Socket } from "@dagger.io/dagger"
import { InputError, atOption } from "../problems.js"
import { sshAgent } from "../text/shell.js"

/** What a call gives to its builds. */
export interface BuildSecrets {
  /** Secrets for `RUN --mount=type=secret`, by their id. */
  readonly values: ReadonlyMap<string, Secret>
  /** What the engine knows the agent for `RUN --mount=type=ssh` by. */
  readonly agent?: string
}

/** Ids of what is given, with `sshAgent` for the agent. */
export function givenIds({ values, agent }: BuildSecrets): ReadonlySet<string> {
  return new Set([...values.keys(), ...(agent === undefined ? [] : [sshAgent])])
}

/**
 * The secrets of a call. The engine finds a build's secret by the name that it was made with, and one of the command
 * line has none: it is made again here, under its id. Its text enters no key: the engine knows it by its name alone.
 * @param ids what Dockerfiles call them
 * @param secrets what they are, in the same order
 * @param ssh the agent
 * @throws InputError where these are not as many, and on an engine that does not keep them to the RUN that mounts them
 */
export async function buildSecrets(
  ids: readonly string[],
  secrets: readonly Secret[],
  ssh?: Socket,
): Promise<BuildSecrets> {
  const message = `there are ${ids.length} of it for ${secrets.length} of --secret`
  const hint = "each secret has an id, in the same order: --secret-id=token --secret=env://TOKEN"
  const repeated = ids.find((id, index) => ids.indexOf(id) !== index)
  if (ids.length !== secrets.length || repeated !== undefined) {
    const why = repeated === undefined ? message : `"${repeated}" is given twice`
    throw new InputError([{ location: atOption("--secret-id"), message: why, hint }])
  }
  if (ids.length > 0) refuseOn(await dag.version(), "--secret")
  if (ssh !== undefined) refuseOn(await dag.version(), "--ssh")
  const named = ids.map(async (id, index) => {
    const plaintext = (await secrets[index]?.plaintext()) ?? ""
    return [id, dag.setSecret(id, plaintext)] as const
  })
  const values = new Map(await Promise.all(named))
  return ssh === undefined ? { values } : { values, agent: socketName(await ssh.id()) }
}

/**
 * What the engine's builder knows a socket by, for which `dockerBuild` of 0.19 has no option: the digest of the call that
 * it came from (`core/socket.go`, LLBID), which its id begins with, a message DAG of dagql (`callpbv1/call.proto`).
 * @throws Error for what is no such id
 */
export function socketName(id: string): string {
  const [tag, length = 0, ...rest] = Buffer.from(id, "base64")
  const name = Buffer.from(rest.slice(0, length)).toString()
  if (tag !== 0x0a || !/^\w+:[0-9a-f]+$/.test(name))
    throw new Error("the engine names sockets in another way")
  return name
}

function refuseOn(engine: string, option: "--secret" | "--ssh"): void {
  if (!leaksBuildSecrets(engine)) return
  const message = `the engine ${engine} shows a build's secrets to later RUN instructions, to images below, and to tests`
  const hint =
    "take the engine of dagger.json's engineVersion, such as the one of ./stack, or build without secrets"
  throw new InputError([{ location: atOption(option), message, hint }])
}

/**
 * Whether a secret that one RUN mounts is seen by others: so with 0.21.8, tried; which of those after 0.19 was the first is
 * not known (docs/dead-ends.md).
 * @param version as an engine tells it: `v0.19.10`
 */
export function leaksBuildSecrets(version: string): boolean {
  const [, major, minor] = /^v?(\d+)\.(\d+)\./.exec(version) ?? []
  if (major === undefined || minor === undefined) return false
  return Number(major) > 0 || Number(minor) > 19
}
