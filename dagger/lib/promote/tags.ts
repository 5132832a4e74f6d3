import { InputError, atOption } from "../problems.js"
import { isTag } from "../reference/reference.js"
import type { TagForm } from "../tag/branchTag.js"

/** The tag of the images in production. */
export const globalStable = "stable"

/** A promotion in tags: what is named, and what it shall be named. */
export interface TagPair {
  readonly from: string
  readonly to: string
}

/** What tags begin with, in words and by an example. */
interface TagStart {
  readonly grammar: RegExp
  readonly words: string
  readonly example: string
}

const starts: Readonly<Record<TagForm, TagStart>> = {
  quarter: { grammar: /^\d{4}\.[1-4]$/, words: "<year>.<quarter>", example: "2026.4" },
  version: { grammar: /^v?\d+(?:\.\d+){1,3}$/, words: "<version>", example: "4.6.1" },
}

/** Whether a text is what tags of a form begin with. */
export function isTagStart(form: TagForm, text: string): boolean {
  return starts[form].grammar.test(text)
}

/**
 * `2026.4-main` becomes `2026.4-stable`, and `4.6.1-main` `4.6.1`.
 * @throws InputError for anything but `<prefix>-<branch>`, and for a stable tag
 */
export function stableTags(tag: string, form: TagForm): TagPair {
  const { prefix, branch } = splitTag(tag)
  if (!isTagStart(form, prefix) || branch === "" || !isTag(tag)) {
    const { words, example } = starts[form]
    throw refusal("--tag", tag, `the form is ${words}-<branch>, such as "${example}-main"`)
  }
  if (branch === globalStable) {
    throw refusal("--tag", tag, "it is the stable tag already; tag-global-stable makes it the global one")
  }
  return { from: tag, to: stableTagOf(prefix, form) }
}

/**
 * `2026.4` means that `2026.4-stable` becomes `stable`, and `4.6.1` that `4.6.1` does.
 * @throws InputError for anything but the start of tags
 */
export function globalStableTags(prefix: string, form: TagForm): TagPair {
  if (!isTagStart(form, prefix)) {
    const { words, example } = starts[form]
    throw refusal("--prefix", prefix, `the form is ${words}, such as "${example}"`)
  }
  return { from: stableTagOf(prefix, form), to: globalStable }
}

/**
 * A tag that promotions make: `stable`, and `<year>.<quarter>-stable` or a version.
 * @throws InputError for others
 */
export function promotedTag(tag: string, form: TagForm): string {
  const { prefix } = splitTag(tag)
  if (tag === globalStable || (isTagStart(form, prefix) && tag === stableTagOf(prefix, form))) return tag
  const [words, example] = [starts[form].words, starts[form].example].map((each) => stableTagOf(each, form))
  throw refusal("--tag", tag, `the form is "stable" or ${words ?? ""}, such as "${example ?? ""}"`)
}

/** The tag of a quarter's, or a version's, stable images: `2026.4-stable`, `4.6.1`. */
export function stableTagOf(prefix: string, form: TagForm): string {
  return form === "version" ? prefix : `${prefix}-${globalStable}`
}

/** A tag up to its first hyphen, and what stands behind that. */
export function splitTag(tag: string): { readonly prefix: string; readonly branch: string } {
  const index = tag.indexOf("-")
  if (index === -1) return { prefix: tag, branch: "" }
  return { prefix: tag.slice(0, index), branch: tag.slice(index + 1) }
}

function refusal(option: string, given: string, hint: string): InputError {
  // JSON's quotes show what a terminal would hide: line breaks and control characters.
  const shown = JSON.stringify(given.length > 140 ? `${given.slice(0, 140)}...` : given)
  return new InputError([{ location: atOption(option), message: `${shown} is not accepted`, hint }])
}
