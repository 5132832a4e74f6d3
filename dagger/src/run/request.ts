import { Directory, Secret } from "@dagger.io/dagger"

/** What a caller asks of a run, as given on the command line. */
export interface StackRequest {
  readonly source: Directory
  /** Images to build; empty for all. */
  readonly only: readonly string[]
  /** `image.ARG=value` */
  readonly set: readonly string[]
  /** `host[:port]/organisation` instead of those of the spec. */
  readonly registry?: string
  readonly registryUsername?: string
  readonly registryPassword?: Secret
  readonly publish: boolean
  readonly publishEach: boolean
  readonly branch?: string
  readonly base?: string
  readonly previous?: string
  readonly pullRequestTitle?: string
  readonly fullRebuild: boolean
  /** Steps that run at once. */
  readonly parallel: number
  /** A plan document to repeat instead of making one. */
  readonly plan?: string
}

/**
 * The command that does the same on a laptop, without secrets: a password is named by the variable that holds it.
 * @param command the function, as the CLI names it
 */
export function reproduceCommand(command: string, request: StackRequest): string {
  const options = [
    ...request.only.map((name) => `--only=${name}`),
    ...request.set.map((setting) => `--set=${setting}`),
    ...(request.branch === undefined ? [] : [`--branch=${request.branch}`]),
    ...(request.base === undefined ? [] : [`--base=${request.base}`]),
    ...(request.registry === undefined ? [] : [`--registry=${request.registry}`]),
    ...(request.fullRebuild ? ["--full-rebuild"] : []),
  ]
  return ["./stack", command, "--source=.", ...options.map(quoted)].join(" ")
}

/** An argument for a POSIX shell. */
function quoted(argument: string): string {
  return /^[\w./:=@%+,-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`
}
