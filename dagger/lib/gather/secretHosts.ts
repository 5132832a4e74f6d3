import type { Secret } from "@dagger.io/dagger"
import { InputError, atOption } from "../problems.js"
import { InvalidReference, parseReference } from "../reference/reference.js"
import { underOption } from "../spec/publishedAs.js"
import type { RegistryLogin } from "../engine/registryLogin.js"

// Who gets a secret of a call: only hosts that the call itself names. A source, a plan and a report are data, which
// anybody may have written: the hosts that they name are asked for what everybody may see.

/** A secret as an option, and the options that say where it goes. */
interface SecretOption {
  readonly option: string
  readonly secret: Secret | undefined
  /** By option, with its value. */
  readonly namedBy: Readonly<Record<string, string | undefined>>
}

/** @throws InputError for each secret that is given without the options that say where it goes */
export function requireNamed(secrets: readonly SecretOption[]): void {
  const problems = secrets.flatMap(({ option, secret, namedBy }) => {
    const missing = Object.entries(namedBy).flatMap(([name, value = ""]) => (value === "" ? [name] : []))
    if (secret === undefined || missing.length === 0) return []
    const message = "a secret goes only where the call says, whatever a source names"
    return [{ location: atOption(option), message, hint: `add ${missing.join("=... and ")}=...` }]
  })
  if (problems.length > 0) throw new InputError(problems)
}

/** A login as given on the command line, and what says where it goes. */
export interface LoginOptions {
  readonly registryUsername?: string | undefined
  readonly registryPassword?: Secret | undefined
  /** `host[:port]` or `host[:port]/organisation` */
  readonly registry?: string | undefined
}

/**
 * The login of a call to the registry that `--registry` names.
 * @throws InputError where a half of it is missing, or the registry
 */
export function loginOf(options: LoginOptions): RegistryLogin | undefined {
  const login = bothHalves(options)
  if (login === undefined) return undefined
  const { registry } = options
  requireNamed([
    { option: "--registry-password", secret: login.password, namedBy: { "--registry": registry } },
  ])
  const anyImage = { registry: "docker.io", path: "library/image" }
  return { ...login, registry: underOption(registry ?? "", anyImage).registry }
}

/**
 * The login of a call to the registry of the published image that `--ref` names.
 * @throws InputError where a half of it is missing, or the image
 */
export function loginForImage(options: LoginOptions, ref: string | undefined): RegistryLogin | undefined {
  const login = bothHalves(options)
  if (login === undefined) return undefined
  requireNamed([{ option: "--registry-password", secret: login.password, namedBy: { "--ref": ref } }])
  return { ...login, registry: referenceOf(ref ?? "").registry }
}

/** The published image that `--ref` names. @throws InputError */
export function referenceOf(ref: string): ReturnType<typeof parseReference> {
  try {
    return parseReference(ref)
  } catch (error) {
    if (!(error instanceof InvalidReference)) throw error
    throw new InputError([
      { location: atOption("--ref"), message: error.message, hint: "such as ghcr.io/org/image:2026.4-main" },
    ])
  }
}

function bothHalves(options: LoginOptions): Omit<RegistryLogin, "registry"> | undefined {
  const { registryUsername: username, registryPassword: password } = options
  if (username !== undefined && username !== "" && password !== undefined) return { username, password }
  if (username === undefined && password === undefined) return undefined
  const missing = password === undefined ? "--registry-password" : "--registry-username"
  throw new InputError([{ location: atOption(missing), message: "a login has a user name and a password" }])
}
