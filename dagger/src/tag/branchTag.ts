import { createHash } from "node:crypto"
import { InputError, atOption } from "../problems.js"

/** Longest tag of the OCI distribution specification. */
const longestTag = 128
/** Hex digits of a branch name's hash: two changed names of one repository meet by chance once in 4 billion. */
const hashDigits = 8
/** Tag of the images in production; `tagStable` alone makes it. */
const stable = "stable"

/**
 * The tag of a branch's images: `<prefix>-<branch>`. Letters, digits, `.` and `_` stay, and `-` where it stands
 * alone between them; all else becomes `-`, and a name that was changed or cut ends with a hash of the original, so
 * that `a/b` and `a-b` keep tags of their own.
 * @param prefix `<year>.<quarter>` of the spec
 * @param branch name of a git branch, with or without `refs/heads/`
 * @throws InputError for an empty name, and for `stable` and all that would look like it
 */
export function branchTag(prefix: string, branch: string): string {
  const name = branch.trim().replace(/^refs\/heads\//, "")
  if (name === "") throw refusal("the branch has no name", 'give one, such as "main"')
  const plain = name.replaceAll(/[^A-Za-z0-9._]+/g, "-").replaceAll(/^-+|-+$/g, "")
  if (plain.toLowerCase() === stable) {
    const hint = "rename the branch; tag-stable makes stable tags"
    throw refusal(`the branch "${name}" would be tagged as the stable images`, hint)
  }
  const room = longestTag - prefix.length - 1
  if (plain === name && name.length <= room) return `${prefix}-${name}`
  const hash = createHash("sha256").update(name).digest("hex").slice(0, hashDigits)
  const kept = plain.slice(0, room - hashDigits - 1)
  return kept === "" ? `${prefix}-${hash}` : `${prefix}-${kept}-${hash}`
}

function refusal(message: string, hint: string): InputError {
  return new InputError([{ location: atOption("--branch"), message, hint }])
}
