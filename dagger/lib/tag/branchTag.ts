import { createHash } from "node:crypto"
import { InputError, atOption } from "../problems.js"

/** The branch whose images go to production, where the spec names no other. */
export const usualMainBranch = "main"
/**
 * What tags begin with. `quarter`: `2026.4-main` becomes `2026.4-stable`, and that `stable`; `version`: `4.6.1-main`
 * becomes `4.6.1`, and that `stable`.
 */
export const tagForms = ["quarter", "version"] as const
export type TagForm = (typeof tagForms)[number]

/** How the tags of a stack are made. */
export interface TagScheme {
  readonly form: TagForm
  /** What begins every branch tag, for instance `2026.4`. */
  readonly prefix: string
  /** The branch whose images go to production: its pages are published, and its tags are never unneeded. */
  readonly mainBranch: string
  /** Characters that images put before it at most, to tell them apart (`tag_prefix`). */
  readonly reserved: number
}

/** Longest tag of the OCI distribution specification. */
export const longestTag = 128
/** Hex digits of the hash that marks a changed name; more than the eight of a date, which names often end with. */
const hashDigits = 10
const endsLikeAHash = /-[0-9a-f]{10}$/
/** Tag of the images in production; `tagStable` alone makes it. */
const stable = "stable"

/**
 * The tag of a branch's images: `<prefix>-<branch>`. What a tag cannot hold becomes `-`; a name that was changed or
 * cut for that ends with a hash of the original, so that `a/b` and `a-b` keep tags of their own.
 * @param branch name of a git branch, with or without `refs/heads/`
 * @param option where the name is from, for the error
 * @throws InputError for an empty name, and for `stable` and what looks like it
 */
export function branchTag(
  { prefix, reserved }: Pick<TagScheme, "prefix" | "reserved">,
  branch: string,
  option = "--branch",
): string {
  const name = branch.trim().replace(/^refs\/heads\//, "")
  if (name === "") throw refusal(option, "the branch has no name", 'give one, such as "main"')
  const bare = /[A-Za-z0-9](?:.*[A-Za-z0-9])?/s.exec(name)?.[0] ?? ""
  if (bare.toLowerCase() === stable) {
    const hint = "rename the branch; tag-stable makes stable tags"
    throw refusal(option, `the branch "${name}" would be tagged like the stable images`, hint)
  }
  const room = longestTag - reserved - prefix.length - "-".length
  const valid = name.replaceAll(/[^A-Za-z0-9._-]+/g, "-")
  // A name that ends like a hash gets one too: it could be what another name becomes.
  if (valid === name && name.length <= room && !endsLikeAHash.test(name)) return `${prefix}-${name}`
  const hash = createHash("sha256").update(name).digest("hex").slice(0, hashDigits)
  const kept = valid.slice(0, room - hashDigits - "-".length).replaceAll(/^-+|-+$/g, "")
  return [prefix, kept, hash].filter((part) => part !== "").join("-")
}

function refusal(option: string, message: string, hint: string): InputError {
  return new InputError([{ location: atOption(option), message, hint }])
}
