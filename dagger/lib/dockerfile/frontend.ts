import type { Instruction } from "./instruction.js"
import type { Directive } from "./lines.js"

/**
 * The Dockerfile frontend inside the engine of Dagger 0.19.10 is that of docker/dockerfile 1.10: its BuildKit has the
 * environment variables of secret mounts (1.10), and not yet ONBUILD with --from (1.11).
 */
const ownMinor = 10

/** Which frontend a Dockerfile asks for. */
export type Frontend =
  /** That of the engine: there is no directive, or one that asks for no more. */
  | { readonly kind: "own"; readonly minor?: number }
  /** A stable release of docker/dockerfile; without a number the newest. */
  | { readonly kind: "stable"; readonly minor?: number }
  /** One whose grammar is not known here: a labs or upstream release, or somebody else's. */
  | { readonly kind: "foreign" }

const dockerfileImage = /^(?:docker\.io\/)?docker\/dockerfile(?::(?:latest|1(?:\.(\d+)(?:\.\d+)?)?))?$/

/** @param syntax the `# syntax=` directive */
export function frontendOf(syntax: Directive | undefined): Frontend {
  if (syntax === undefined) return { kind: "own" }
  const match = dockerfileImage.exec(imageOf(syntax))
  if (match === null) return { kind: "foreign" }
  const minor = match[1] === undefined ? undefined : Number(match[1])
  return minor !== undefined && minor <= ownMinor
    ? { kind: "own", minor }
    : { kind: "stable", ...(minor !== undefined && { minor }) }
}

/** The image that a directive names; what follows a blank are its arguments. */
function imageOf({ value }: Directive): string {
  return value.split(" ")[0] ?? ""
}

/** What a later frontend reads and the engine's does not. */
export interface Feature {
  readonly name: string
  /** Minor number of the first stable release with it; none has what is still in labs. */
  readonly since?: number
}

/** Flags by keyword, as the reference of Dockerfiles dates them (docs.docker.com/reference/dockerfile). */
const laterFlags: Readonly<Record<string, Readonly<Record<string, number | "labs">>>> = {
  ADD: { exclude: 19, unpack: 17 },
  COPY: { exclude: 19, parents: 20 },
  RUN: { device: "labs", security: "labs" },
}
/** Modes in letters, as `u=rwX,go=rX`. */
const lettersSince = 14
const modeInLetters = /^[ugoa]*[-+=][rwxXst]*(?:,[ugoa]*[-+=][rwxXst]*)*$/

/** What of an instruction the engine's own frontend does not read, each with the place of its flag. */
export function laterFeatures(instruction: Instruction): readonly (Feature & { readonly offset: number })[] {
  const { keyword, flags } = instruction
  return flags.flatMap(({ name, value = "", start: offset }) => {
    const since = laterFlags[keyword]?.[name]
    if (since !== undefined)
      return [{ name: `${keyword} --${name}`, offset, ...(since !== "labs" && { since }) }]
    const isLetters =
      (keyword === "COPY" || keyword === "ADD") && name === "chmod" && modeInLetters.test(value)
    return isLetters ? [{ name: "--chmod with letters", offset, since: lettersSince }] : []
  })
}

/** Why a feature cannot be used with a frontend, and what to do; undefined where it can. */
export function featureProblem(
  { name, since }: Feature,
  frontend: Frontend,
): { readonly message: string; readonly hint: string } | undefined {
  if (frontend.kind === "foreign") return undefined
  if (since === undefined) {
    return {
      message: `${name} is not part of any stable Dockerfile frontend`,
      hint: 'write "# syntax=docker/dockerfile:1-labs" as the first line; it comes from docker.io at every build',
    }
  }
  const { minor } = frontend
  if (frontend.kind === "stable" && (minor === undefined || minor >= since)) return undefined
  const asked = minor === undefined ? "the engine's own" : `docker/dockerfile:1.${minor}`
  return {
    message: `${name} needs the Dockerfile frontend 1.${since}; ${asked} has not got it`,
    hint: 'write "# syntax=docker/dockerfile:1" as the first line; it comes from docker.io at every build',
  }
}

/**
 * Whether the directive is obeyed, so that the engine pulls that frontend. The engine's own does the same for what a
 * stable release of its age or before was asked for, and for a Dockerfile that asks for the newest and uses nothing
 * new: no build waits for a registry for that.
 */
export function isObeyed(frontend: Frontend, instructions: readonly Instruction[]): boolean {
  if (frontend.kind !== "stable") return frontend.kind === "foreign"
  return frontend.minor !== undefined || instructions.some((each) => laterFeatures(each).length > 0)
}

/** Whether a Dockerfile without a directive is read the same by this frontend: by docker's own, which only add. */
export function readsAll({ value }: Directive): boolean {
  return /^(?:docker\.io\/)?docker\/dockerfile(?:-upstream)?(?:[:@]|$)/.test(value.split(" ")[0] ?? "")
}
