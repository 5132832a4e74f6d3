import { isTag } from "../reference/reference.js"
import type { PatternPart } from "../text/wildcards.js"
import { literally, matchesStars, matchesWhole } from "../text/wildcards.js"
import type { TagForm, TagScheme } from "./branchTag.js"
import { tagKindOf } from "./tagKind.js"

/** A part of a further tag: a text, or what stands for one that a run knows. */
export type TagPart =
  | { readonly kind: "text"; readonly text: string }
  /** Day on which the run began, UTC: `2026-11-27`. */
  | { readonly kind: "date" }
  /** First digits of the commit. */
  | { readonly kind: "commit" }
  /** `tag.prefix` of the spec. */
  | { readonly kind: "prefix" }
  /** What a command prints in the image; a key of `all_info_cmds`. */
  | { readonly kind: "info"; readonly key: string }

/** A tag that images get besides that of their branch. */
export interface FurtherTag {
  /** As the spec has it: `python-{info:PY_VER}`. */
  readonly template: string
  readonly parts: readonly TagPart[]
  /** Patterns of the branches whose images get it, `*` standing for any characters; absent for the main branch alone. */
  readonly branches?: readonly string[]
}

/** What a run knows of its further tags. */
export interface FurtherTagFacts {
  readonly scheme: TagScheme
  /** When the run began, milliseconds since 1970. */
  readonly startedAt: number
  /** Absent where no commit is known. */
  readonly commit?: string | undefined
  /** What a command printed in the image, by the key of `all_info_cmds`; or why that is not known. */
  readonly answers: ReadonlyMap<string, CommandAnswer>
}

/** What came of a command in an image. */
export type CommandAnswer =
  { readonly kind: "printed"; readonly text: string } | { readonly kind: "failed"; readonly why: string }

/** A further tag as a run gives it, or why it cannot. */
export type ResolvedTag =
  { readonly kind: "tag"; readonly tag: string } | { readonly kind: "problem"; readonly why: string }

/** Digits of a commit in a tag: as many as git shows of large repositories. */
const commitDigits = 12
/** What an image may say of itself in a tag. */
const answerForm = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,59}$/
const answerWords = 'one line of at most 60 letters, digits, ".", "_" and "-"'
const placeholderForm = /\{([^{}]*)\}/g

/** What stands for something in a template, for hints. */
export const placeholderWords = "{date}, {commit}, {prefix} and {info:KEY}"

/** Reads a template. @returns the placeholder that is none, where there is one */
export function readTemplate(template: string): readonly TagPart[] | string {
  const parts: TagPart[] = []
  let end = 0
  for (const match of template.matchAll(placeholderForm)) {
    const [written, name = ""] = match
    const part = placeholder(name)
    if (part === undefined) return written
    parts.push(...textPart(template.slice(end, match.index)), part)
    end = match.index + written.length
  }
  return [...parts, ...textPart(template.slice(end))]
}

function textPart(text: string): readonly TagPart[] {
  return text === "" ? [] : [{ kind: "text", text }]
}

function placeholder(name: string): TagPart | undefined {
  if (name === "date" || name === "commit" || name === "prefix") return { kind: name }
  const key = /^info:(.+)$/.exec(name)?.[1]
  return key === undefined ? undefined : { kind: "info", key }
}

/** Keys of the commands whose answers are in a tag. */
export function infoKeysOf({ parts }: Pick<FurtherTag, "parts">): readonly string[] {
  return parts.flatMap((part) => (part.kind === "info" ? [part.key] : []))
}

/** Whether images of a branch get a tag. */
export function isForBranch({ branches }: FurtherTag, branch: string, { mainBranch }: TagScheme): boolean {
  return branches === undefined
    ? branch === mainBranch
    : branches.some((pattern) => matchesStars(pattern, branch))
}

/**
 * The tag that a run gives. Whatever an image prints, it is none that branches, promotions or the pipeline itself have.
 */
export function resolveTag(further: FurtherTag, facts: FurtherTagFacts): ResolvedTag {
  const filled = filledIn(further, facts)
  if (filled.kind === "problem") return filled
  const { tag } = filled
  const flaw = tagFlaw(tag, facts.scheme.form)
  return flaw === undefined ? filled : { kind: "problem", why: `${further.template} is "${tag}", ${flaw}` }
}

/** A template with what a run knows, whether a tag can be called so or not. */
export function filledIn({ parts }: FurtherTag, facts: FurtherTagFacts): ResolvedTag {
  const texts: string[] = []
  for (const part of parts) {
    const text = resolvePart(part, facts)
    if (typeof text !== "string") return { kind: "problem", why: text.why }
    texts.push(text)
  }
  return { kind: "tag", tag: texts.join("") }
}

/** Why a further tag cannot be called so; undefined where it can. */
export function tagFlaw(tag: string, form: TagForm): string | undefined {
  if (!isTag(tag)) return "which is no tag"
  const { kind } = tagKindOf(tag, form)
  return kind === "other" ? undefined : "which is made for other purposes"
}

function resolvePart(part: TagPart, facts: FurtherTagFacts): string | { readonly why: string } {
  switch (part.kind) {
    case "text":
      return part.text
    case "date":
      return new Date(facts.startedAt).toISOString().slice(0, 10)
    case "commit":
      return facts.commit?.slice(0, commitDigits) ?? { why: "{commit}: the checkout names no commit" }
    case "prefix":
      return facts.scheme.prefix
    case "info":
      return infoText(part.key, facts.answers.get(part.key))
  }
}

function infoText(key: string, answer: CommandAnswer | undefined): string | { readonly why: string } {
  const name = `{info:${key}}`
  if (answer === undefined) return { why: `${name}: nobody has asked the image` }
  if (answer.kind === "failed") return { why: `${name}: ${answer.why}` }
  const text = answer.text.trim()
  if (answerForm.test(text)) return text
  const shown = text.length > 80 ? `${text.slice(0, 80)}...` : text
  return { why: `${name}: the command printed ${JSON.stringify(shown)}, and ${answerWords} can be in a tag` }
}

/** Whether a tag is one that runs have given by a template, now or earlier. */
export function isGivenBy({ parts }: FurtherTag, tag: string): boolean {
  return matchesWhole(parts.flatMap(patternOf), tag)
}

const digit: PatternPart = { kind: "one", accepts: (char) => /[0-9]/.test(char) }
const hexDigit: PatternPart = { kind: "one", accepts: (char) => /[0-9a-f]/.test(char) }
const anyChars: PatternPart = { kind: "many", accepts: () => true }

function patternOf(part: TagPart): readonly PatternPart[] {
  switch (part.kind) {
    case "text":
      return literally(part.text)
    case "date":
      return Array.from("dddd-dd-dd", (char) => (char === "d" ? [digit] : literally(char))).flat()
    case "commit":
      return Array.from({ length: commitDigits }, () => hexDigit)
    case "prefix":
    case "info":
      return [anyChars]
  }
}

/** Whether each run gives another one: of those, old ones become many. */
export function isOfOneRun({ parts }: FurtherTag): boolean {
  return parts.some(({ kind }) => kind === "date" || kind === "commit")
}
