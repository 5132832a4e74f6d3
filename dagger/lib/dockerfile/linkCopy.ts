import type { Problem } from "../problems.js"
import type { SourceFile } from "../source/sourceTree.js"
import { contextPath, hasWildcard, missingFrom, missingMessage } from "./buildContext.js"
import type { Edit, ImageDraft, LinkedInstruction, StageDraft, Surroundings } from "./draft.js"
import type { Flag, Instruction, Word } from "./instruction.js"
import { locationOf, problemIn, wordsOf } from "./instruction.js"
import { laterFeatures } from "./frontend.js"
import { parseHeredoc } from "./lines.js"
import { resolveSource } from "./sources.js"
import { escapeWord, expandWord } from "./words.js"

/**
 * COPY and ADD. What is copied from the build context comes from the image's context stage, where absolute paths,
 * `..`, wildcards and `COPY . .` mean what they mean in a context. ADD of files cannot: it knows no `--from`, and
 * only ADD unpacks archives. So its paths are prefixed, and it reads the linked build's context, the whole source.
 */
export function linkCopy(
  image: ImageDraft,
  stage: StageDraft,
  instruction: Instruction,
  surroundings: Surroundings,
): LinkedInstruction {
  const from = instruction.flags.find(({ name }) => name === "from")
  if (from !== undefined && instruction.keyword === "COPY") {
    return { instruction, edits: copyFromEdits(image, stage, instruction, from, surroundings) }
  }
  stage.problems.push(...modeProblems(stage, instruction))
  const sources = sourcesOf(stage, instruction)
  const local = sources.filter(({ kind }) => kind !== "heredoc" && kind !== "remote")
  for (const source of local) reportMissing(image, stage, instruction, source)
  for (const source of local) for (const file of filesOf(image, instruction, source)) stage.files.add(file)
  if (local.length === 0) return { instruction, edits: [] }
  if (instruction.keyword === "COPY") return fromContext(image, stage, instruction)
  return linkAdd(image, stage, instruction, sources)
}

type OperandKind = "heredoc" | "remote" | "known" | "unknown"

/** One source of a COPY or ADD. */
interface Operand {
  readonly word: Word
  readonly kind: OperandKind
  /** Of a known one: its path below the context. */
  readonly path: string
  /** Of an unknown one: the variable that only the builder knows, or why the word is not valid. */
  readonly reason: string
}

function sourcesOf(stage: StageDraft, instruction: Instruction): readonly Operand[] {
  return operandsOf(instruction)
    .slice(0, -1)
    .map((word) => {
      if (instruction.json === undefined && parseHeredoc(word.text) !== undefined) {
        return { word, kind: "heredoc", path: "", reason: "" }
      }
      const expansion = expandWord(word.text, stage.scope.lookup)
      if (expansion.kind === "unknown") {
        return { word, kind: "unknown", path: "", reason: `$${expansion.variable} is set by its base image` }
      }
      if (expansion.kind === "invalid") return { word, kind: "unknown", path: "", reason: expansion.message }
      const kind = isRemote(expansion.text) ? "remote" : "known"
      return { word, kind, path: contextPath(expansion.text), reason: "" }
    })
}

/** Sources and destination; those of the JSON form have no place of their own. */
function operandsOf(instruction: Instruction): readonly Word[] {
  const { json, argsStart, args } = instruction
  if (json === undefined) return wordsOf(instruction)
  return json.map((text) => ({ text, start: argsStart, end: argsStart + args.length }))
}

/** Whether ADD downloads: URLs and git repositories (`util/gitutil` of BuildKit). */
function isRemote(source: string): boolean {
  return /^(?:https?|ssh|git):\/\//i.test(source) || /^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:/.test(source)
}

function copyFromEdits(
  image: ImageDraft,
  stage: StageDraft,
  instruction: Instruction,
  { value = "", start, end }: Flag,
  surroundings: Surroundings,
): readonly Edit[] {
  const mention = { text: value, what: "COPY --from", instruction, offset: start } as const
  const source = resolveSource(image, mention, surroundings)
  if (source === undefined) return []
  stage.uses.push({ source, location: locationOf(instruction) })
  return [{ start, end, parts: ["--from=", source] }]
}

function fromContext(image: ImageDraft, stage: StageDraft, instruction: Instruction): LinkedInstruction {
  stage.readsContext = true
  const at = instruction.keywordEnd
  return { instruction, edits: [{ start: at, end: at, parts: [` --from=${image.names.context}`] }] }
}

function linkAdd(
  image: ImageDraft,
  stage: StageDraft,
  instruction: Instruction,
  sources: readonly Operand[],
): LinkedInstruction {
  const isFolder = ({ kind, path }: Operand) =>
    kind === "known" && !hasWildcard(path) && image.context.kindOf(path) === "directory"
  // Folders are never unpacked. Read from the context stage, a new destination gets the same mode as by itself.
  const isCopy = instruction.flags.every(({ name }) => copyFlags.has(name))
  if (isCopy && sources.every(isFolder)) return addAsCopy(image, stage, instruction)
  for (const source of sources) {
    if (source.kind === "known") reportSymlink(image, stage, instruction, source)
    if (source.kind === "unknown") reportUnknown(stage, instruction, source)
  }
  const words = sources.map((source) =>
    source.kind === "known" ? prefixed(image, source) : source.word.text,
  )
  return { instruction, edits: operandEdits(instruction, sources, words) }
}

function addAsCopy(image: ImageDraft, stage: StageDraft, instruction: Instruction): LinkedInstruction {
  stage.readsContext = true
  const start = instruction.keywordEnd - instruction.keyword.length
  const parts = [`COPY --from=${image.names.context}`]
  return { instruction, edits: [{ start, end: instruction.keywordEnd, parts }] }
}

/** The source as a word that the builder expands to its path below the root of the source. */
function prefixed(image: ImageDraft, { path }: Operand): string {
  const { place } = image.context
  return escapeWord(path === "" ? place : `${place}/${path}`)
}

/** Sources replaced by words; by a JSON array where that is the form, or one has a blank, which no other form holds. */
function operandEdits(
  instruction: Instruction,
  sources: readonly Operand[],
  words: readonly string[],
): readonly Edit[] {
  const { json, argsStart, args } = instruction
  if (json === undefined && !words.some((word) => /\s/u.test(word))) {
    return sources.map(({ word: { start, end } }, index) => ({ start, end, parts: [words[index] ?? ""] }))
  }
  const destination = operandsOf(instruction).at(-1)?.text ?? ""
  const parts = [JSON.stringify([...words, destination])]
  return [{ start: argsStart, end: argsStart + args.length, parts }]
}

function filesOf(
  image: ImageDraft,
  instruction: Instruction,
  { kind, path }: Operand,
): readonly SourceFile[] {
  // `--parents` has a pattern language of its own, with `**`.
  const isSimple = !instruction.flags.some(({ name }) => name === "parents") || !hasWildcard(path)
  return kind === "known" && isSimple ? image.context.matching(path) : image.context.all()
}

/** Flags of ADD that COPY has, too. */
const copyFlags = new Set(["chown", "chmod", "link", "exclude"])

/** A mode that is no number of eight digits' kind; what its variables hold is known here. */
function modeProblems({ scope }: StageDraft, instruction: Instruction): readonly Problem[] {
  if (laterFeatures(instruction).length > 0) return []
  return instruction.flags.flatMap(({ name, value = "", start: offset }) => {
    if (name !== "chmod" && name !== "chown" && name !== "checksum") return []
    const expansion = expandWord(value, scope.lookup)
    if (expansion.kind === "invalid") return [problemIn(instruction, expansion.message, { offset })]
    const isMode =
      expansion.kind === "unknown" || expansion.text === "" || /^0*[0-7]{1,4}$/.test(expansion.text)
    if (name !== "chmod" || isMode) return []
    const message = `"${expansion.text}" is not a mode`
    return [problemIn(instruction, message, { offset, hint: "an octal number up to 7777, such as 644" })]
  })
}

function reportMissing(
  image: ImageDraft,
  { problems }: StageDraft,
  instruction: Instruction,
  { kind, path, word }: Operand,
): void {
  if (kind !== "known" || hasWildcard(path)) return
  const reason = missingFrom(image.context, path)
  if (reason === undefined) return
  const message = missingMessage(path, reason, image.spec)
  problems.push(problemIn(instruction, message, { offset: word.start }))
}

function reportSymlink(
  image: ImageDraft,
  { problems }: StageDraft,
  instruction: Instruction,
  { path, word }: Operand,
): void {
  const isLink = image.context.kindOf(path) === "symlink"
  if (!isLink) return
  const message = `ADD of "${path}" goes through a symlink, whose target cannot be told before the build`
  problems.push(
    problemIn(instruction, message, { offset: word.start, hint: "name the file itself, or use COPY" }),
  )
}

function reportUnknown({ problems }: StageDraft, instruction: Instruction, { word, reason }: Operand): void {
  const message = `ADD of ${word.text} cannot be linked: ${reason}`
  const hint = "declare the variable with ARG or ENV in this Dockerfile, or use COPY"
  problems.push(problemIn(instruction, message, { offset: word.start, hint }))
}
