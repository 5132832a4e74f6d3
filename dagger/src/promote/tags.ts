import { InputError, atOption } from "../problems.js"
import { isTag } from "../reference/reference.js"

/** The tag of the images in production. */
export const globalStable = "stable"

/** A promotion in tags: what is named, and what it shall be named. */
export interface TagPair {
  readonly from: string
  readonly to: string
}

const quarterGrammar = /^\d{4}\.[1-4]$/

/**
 * `2026.4-main` becomes `2026.4-stable`.
 * @throws InputError for anything but `<year>.<quarter>-<branch>`, and for a stable tag
 */
export function stableTags(tag: string): TagPair {
  const [prefix, branch = ""] = splitOnce(tag, "-")
  if (!quarterGrammar.test(prefix) || branch === "" || !isTag(tag)) {
    throw refusal("--tag", tag, 'the form is <year>.<quarter>-<branch>, such as "2026.4-main"')
  }
  if (branch === globalStable) {
    throw refusal("--tag", tag, "it is the stable tag already; tag-global-stable makes it the global one")
  }
  return { from: tag, to: stableTagOf(prefix) }
}

/**
 * `2026.4` means that `2026.4-stable` becomes `stable`.
 * @throws InputError for anything but `<year>.<quarter>`
 */
export function globalStableTags(prefix: string): TagPair {
  if (!quarterGrammar.test(prefix)) {
    throw refusal("--prefix", prefix, 'the form is <year>.<quarter>, such as "2026.4"')
  }
  return { from: stableTagOf(prefix), to: globalStable }
}

/**
 * A tag that promotions make: `stable` or `<year>.<quarter>-stable`.
 * @throws InputError for others
 */
export function promotedTag(tag: string): string {
  const [prefix, branch] = splitOnce(tag, "-")
  if (tag === globalStable || (quarterGrammar.test(prefix) && branch === globalStable)) return tag
  throw refusal("--tag", tag, 'the form is "stable" or <year>.<quarter>-stable, such as "2026.4-stable"')
}

/** `2026.4-stable` */
export function stableTagOf(prefix: string): string {
  return `${prefix}-${globalStable}`
}

function splitOnce(text: string, separator: string): readonly [string, string?] {
  const index = text.indexOf(separator)
  return index === -1 ? [text] : [text.slice(0, index), text.slice(index + separator.length)]
}

function refusal(option: string, given: string, hint: string): InputError {
  // JSON's quotes show what a terminal would hide: line breaks and control characters.
  const shown = JSON.stringify(given.length > 140 ? `${given.slice(0, 140)}...` : given)
  return new InputError([{ location: atOption(option), message: `${shown} is not accepted`, hint }])
}
