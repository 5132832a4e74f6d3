import type { Problem } from "../problems.js"
import { hintFor } from "../text/suggest.js"
import { trimBlanksStart } from "./blanks.js"
import { withBackslashes } from "./escape.js"
import type { Frontend } from "./frontend.js"
import { frontendOf, isObeyed } from "./frontend.js"
import type { Instruction } from "./instruction.js"
import { keywords, parseInstruction, problemIn, wordsOf } from "./instruction.js"
import { instructionProblems } from "./instructionRules.js"
import type { Directive } from "./lines.js"
import { readDockerfileLines, sliceLine } from "./lines.js"

/** A Dockerfile, split into stages. */
export interface Dockerfile {
  readonly file: string
  /** A `# syntax=` that is obeyed: the engine's own frontend does not do the same. */
  readonly syntax?: Directive
  /** A `# check=` that lets warnings fail the build; others change nothing that is built. */
  readonly check?: Directive
  /** ARG before the first FROM. */
  readonly globalArguments: readonly Instruction[]
  /** At least one. */
  readonly stages: readonly ParsedStage[]
}

export interface ParsedStage {
  readonly from: Instruction
  /** What follows FROM, variables and all. */
  readonly base: string
  readonly platform?: string
  /** In lower case, as BuildKit keeps it. */
  readonly name?: string
  readonly instructions: readonly Instruction[]
}

/** Grammar of stage names in BuildKit's `instructions/parse.go`. */
const stageName = /^[a-z][a-z0-9-_.]*$/

/** `# check=skip=...;error=true` */
const failsOnWarnings = /(?:^|;)\s*error\s*=\s*true\s*(?:;|$)/i

/**
 * Reads a Dockerfile.
 * @param problems what is wrong is added to it
 * @returns undefined where the file has no stage
 */
export function parseDockerfile(file: string, source: string, problems: Problem[]): Dockerfile | undefined {
  const { lines, directives, escape } = readDockerfileLines(file, source, problems)
  const spelled = escape === "`" ? lines.map((line) => withBackslashes(line, problems)) : lines
  const instructions = spelled.map(parseInstruction)
  const asked = directives.find(({ name }) => name === "syntax")
  const frontend = frontendOf(asked)
  for (const instruction of instructions) problems.push(...keywordProblems(instruction, frontend))
  const first = instructions.findIndex(({ keyword }) => keyword === "FROM")
  const globalArguments = first === -1 ? instructions : instructions.slice(0, first)
  for (const instruction of globalArguments) {
    if (instruction.keyword !== "ARG" && keywords.includes(instruction.keyword)) {
      problems.push(
        problemIn(instruction, `${instruction.keyword} stands before the first FROM; only ARG may`),
      )
    }
  }
  if (first === -1) {
    const message = instructions.length === 0 ? "the Dockerfile is empty" : "the Dockerfile has no FROM"
    problems.push({ location: { file, line: 1, column: 1 }, message, hint: "an image starts with FROM" })
    return undefined
  }
  const syntax = isObeyed(frontend, instructions) ? asked : undefined
  const check = directives.find(({ name, value }) => name === "check" && failsOnWarnings.test(value))
  const stages = splitStages(instructions.slice(first), problems)
  return {
    file,
    globalArguments,
    stages,
    ...(syntax !== undefined && { syntax }),
    ...(check !== undefined && { check }),
  }
}

/** The instruction that an ONBUILD holds. */
export function triggerOf({ line, argsStart }: Instruction): Instruction {
  return parseInstruction(sliceLine(line, argsStart))
}

function splitStages(instructions: readonly Instruction[], problems: Problem[]): readonly ParsedStage[] {
  const stages: { from: Instruction; instructions: Instruction[] }[] = []
  for (const instruction of instructions) {
    if (instruction.keyword === "FROM") stages.push({ from: instruction, instructions: [] })
    else stages.at(-1)?.instructions.push(instruction)
  }
  return stages.map((stage) => ({ ...stage, ...parseFrom(stage.from, problems) }))
}

function parseFrom(from: Instruction, problems: Problem[]): Pick<ParsedStage, "base" | "platform" | "name"> {
  const [base, as, name, ...more] = wordsOf(from)
  const platform = from.flags.find((flag) => flag.name === "platform")?.value
  const isWhole = as === undefined || (as.text.toLowerCase() === "as" && name !== undefined)
  if (base === undefined || !isWhole || more.length > 0) {
    const message = "FROM takes an image, or an image, AS and a stage's name"
    problems.push(problemIn(from, message, { offset: from.argsStart }))
    return { base: "scratch" }
  }
  const lower = name?.text.toLowerCase()
  if (name !== undefined && !stageName.test(lower ?? "")) {
    const hint = 'a stage\'s name is a letter, then letters, digits, ".", "_" and "-"'
    problems.push(problemIn(from, `"${name.text}" cannot name a stage`, { offset: name.start, hint }))
  }
  return {
    base: base.text,
    ...(platform !== undefined && { platform }),
    ...(lower !== undefined && { name: lower }),
  }
}

function keywordProblems(instruction: Instruction, frontend: Frontend): readonly Problem[] {
  const { keyword } = instruction
  if (!keywords.includes(keyword)) {
    const written = trimBlanksStart(instruction.line.text).slice(0, keyword.length)
    return [
      problemIn(instruction, `unknown instruction "${written}"`, {
        hint: hintFor(keyword, keywords, "instructions"),
      }),
    ]
  }
  if (keyword === "ONBUILD") {
    const trigger = triggerOf(instruction)
    const refused = ["FROM", "MAINTAINER", "ONBUILD"].includes(trigger.keyword)
    if (refused) return [problemIn(trigger, `${trigger.keyword} cannot be triggered by ONBUILD`)]
    return trigger.keyword === ""
      ? [problemIn(instruction, "ONBUILD takes an instruction")]
      : keywordProblems(trigger, frontend)
  }
  const operands = (instruction.json ?? wordsOf(instruction)).length
  if ((keyword === "COPY" || keyword === "ADD") && operands < 2) {
    return [problemIn(instruction, `${keyword} takes at least a source and a destination`)]
  }
  if (keyword === "ARG" && operands === 0) return [problemIn(instruction, "ARG takes at least one name")]
  return instructionProblems(instruction, frontend)
}
