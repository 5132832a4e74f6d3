import type { Lookup } from "./words.js"
import { UnknownVariable } from "./words.js"

/** The variables at one place of a stage, as far as they are known before the build. */
export class Scope {
  /** An undefined value is one that only the builder knows. */
  private readonly values: Map<string, string | undefined>

  /** @param isComplete whether what is not listed is unset; below an image of a registry it may be anything */
  constructor(
    values: Iterable<readonly [string, string | undefined]>,
    readonly isComplete: boolean,
  ) {
    this.values = new Map(values)
  }

  /** Looks a variable up for `expandWord`. */
  readonly lookup: Lookup = (name) => {
    const value = this.values.get(name)
    if (value !== undefined) return value
    if (this.values.has(name) || !this.isComplete) throw new UnknownVariable(name)
    return undefined
  }

  set(name: string, value: string | undefined): void {
    this.values.set(name, value)
  }

  has(name: string): boolean {
    return this.values.has(name)
  }

  get(name: string): string | undefined {
    return this.values.get(name)
  }

  copy(): Scope {
    return new Scope(this.values, this.isComplete)
  }
}

/**
 * Arguments that BuildKit gives every build by platform; a stage sees those that it declares.
 * @param platform `linux/amd64`; without it the values are known to the builder alone
 */
export function platformArguments(platform?: string): ReadonlyMap<string, string | undefined> {
  const [os, architecture, variant = ""] = platform?.split("/") ?? []
  const values = {
    PLATFORM: platform,
    OS: os,
    ARCH: architecture,
    VARIANT: os === undefined ? undefined : variant,
  }
  return new Map(
    ["BUILD", "TARGET"].flatMap((prefix) =>
      Object.entries(values).map(([name, value]) => [`${prefix}${name}`, value] as const),
    ),
  )
}

/**
 * Arguments of the builder whose value the linked file must not decide: each Dockerfile is built to its end, which
 * BuildKit calls `default`, whatever its last stage is called here.
 */
export const fixedArguments: ReadonlyMap<string, string> = new Map([["TARGETSTAGE", "default"]])

/** Whether an argument acts without being declared: proxies for every RUN, and BuildKit's own switches. */
export function isPredefined(name: string): boolean {
  return (
    /^(?:https?|ftp|no|all)_proxy$/i.test(name) ||
    name === "SOURCE_DATE_EPOCH" ||
    name.startsWith("BUILDKIT_")
  )
}
