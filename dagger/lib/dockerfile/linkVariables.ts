import type { ImageDraft, LinkedInstruction, StageDraft, Surroundings } from "./draft.js"
import type { Instruction, Word } from "./instruction.js"
import { assignmentsOf, problemIn } from "./instruction.js"
import type { Scope } from "./scope.js"
import { fixedArguments } from "./scope.js"
import { separators } from "./blanks.js"
import { expandWord, quoteWord } from "./words.js"

/**
 * ARG before the first FROM: its value goes into the lines that use it, and no global argument is left in the linked
 * file, where images would take each other's.
 */
export function linkGlobalArgument(
  image: ImageDraft,
  argument: Instruction,
  surroundings: Surroundings,
): void {
  for (const word of assignmentsOf(argument)) {
    const { name, written } = assignment(word)
    const given = image.buildArgs.get(name)
    if (given !== undefined) image.declared.add(name)
    const value =
      given ??
      (written === undefined ? undefined : valueOf(argument, word, written, image.globals, surroundings))
    // Without a value it changes nothing, as in BuildKit since 2024: arguments of the platform keep theirs.
    if (value !== undefined || written !== undefined) image.globals.set(name, value)
    if (value !== undefined) image.globalValues.set(name, value)
  }
}

/** ARG in a stage: with the value that this image has for it. */
export function linkArgument(
  image: ImageDraft,
  stage: StageDraft,
  argument: Instruction,
  surroundings: Surroundings,
): LinkedInstruction {
  const defines: string[] = []
  const edits = assignmentsOf(argument).flatMap((word) => {
    const { name, written } = assignment(word)
    stage.argumentNames.add(name)
    const given = image.buildArgs.get(name)
    if (given !== undefined) image.declared.add(name)
    const implied = image.globalValues.get(name) ?? fixedArguments.get(name)
    const resolved = given ?? (written === undefined ? implied : undefined)
    if (resolved !== undefined || written !== undefined || image.platformArguments.has(name))
      defines.push(name)
    if (resolved !== undefined) {
      stage.scope.set(name, resolved)
      if (/[\r\n]/.test(resolved)) {
        const message = `the value of the build argument ${name} has a line break, which no ARG can hold`
        surroundings.problems.push(problemIn(argument, message, { offset: word.start }))
      }
      return [{ start: word.start, end: word.end, parts: [`${name}=${quoteWord(resolved)}`] }]
    }
    if (written !== undefined)
      stage.scope.set(name, valueOf(argument, word, written, stage.scope, surroundings))
    // What BuildKit fills in by platform stays open: the linked file builds for any.
    else if (image.platformArguments.has(name)) stage.scope.set(name, image.platformArguments.get(name))
    return []
  })
  return { instruction: argument, edits, defines }
}

/** ENV: stays as it is; its values are noted, for the instructions whose paths use them. */
export function linkEnvironment(
  stage: StageDraft,
  instruction: Instruction,
  surroundings: Surroundings,
): LinkedInstruction {
  const values = environmentWords(instruction).map((word) => {
    const { name, written = "" } = assignment(word)
    return [name, valueOf(instruction, word, written, stage.scope, surroundings)] as const
  })
  // Only now: variables of one ENV do not see each other.
  for (const [name, value] of values) {
    stage.scope.set(name, value)
    stage.environment.set(name, value)
  }
  return { instruction, edits: [], defines: values.map(([name]) => name) }
}

function assignment({ text }: Word): { readonly name: string; readonly written?: string } {
  const equals = text.indexOf("=")
  return equals === -1 ? { name: text } : { name: text.slice(0, equals), written: text.slice(equals + 1) }
}

/** `ENV a=1 b=2`, or the old form `ENV a 1` with one name. */
function environmentWords(instruction: Instruction): readonly Word[] {
  const words = assignmentsOf(instruction)
  if (words[0] === undefined || words[0].text.includes("=")) return words
  const { args, argsStart } = instruction
  const found = separators.exec(args)
  const name = args.slice(0, found?.index)
  const value = found === null ? "" : args.slice(found.index + found[0].length)
  return [{ text: `${name}=${value}`, start: argsStart, end: argsStart + args.length }]
}

/** A value with its variables replaced; undefined where only the builder knows it. */
function valueOf(
  instruction: Instruction,
  word: Word,
  written: string,
  scope: Scope,
  { problems }: Surroundings,
): string | undefined {
  const expansion = expandWord(written, scope.lookup)
  if (expansion.kind === "invalid")
    problems.push(problemIn(instruction, expansion.message, { offset: word.start }))
  return expansion.kind === "text" ? expansion.text : undefined
}
