import type { Location } from "../problems.js"
import type { Instruction } from "./instruction.js"
import { locationOf } from "./instruction.js"

/** An instruction of the linked file as its author wrote it, for the builder's messages. */
export interface Statement {
  readonly location: Location
  readonly keyword: string
  /** What it hands to a shell, or runs; of another instruction, its arguments. */
  readonly text: string
}

/** What leads from a linked file back to the Dockerfiles that it is made of. */
export interface Places {
  /** Where a line, counted from 1, comes from. */
  locate(line: number): Location | undefined
  readonly statements: readonly Statement[]
}

/** An instruction as messages of the builder quote it. */
export function statementOf(instruction: Instruction): Statement {
  const { keyword, args, json, line } = instruction
  const location = locationOf(instruction)
  if (keyword !== "RUN") return { location, keyword, text: args }
  if (json !== undefined) return { location, keyword, text: json.join(" ") }
  // A heredoc that is the whole command is the script; behind a command, it stands after it.
  const script = line.heredocs.slice(0, -1).map((each) => `${each}\n`)
  const isScript = line.heredocs.length > 0 && /^<<-?\S+$/.test(args)
  const text = isScript ? script.join("") : [args, ...line.heredocs].join("\n")
  return { location, keyword, text }
}

/** How many places a message names where several instructions are alike. */
const mostPlaces = 3

/**
 * A message of the builder with the places in the authors' Dockerfiles: lines of the linked file become theirs, and a
 * message that has none begins with the instruction that it quotes. The builder of Dagger 0.19 tells a line only of
 * what it cannot parse.
 */
export function authorsPlaces(message: string, places: Places): string {
  const mapped = message.replaceAll(lineOfLinked, (whole: string, before: string, line: string) => {
    const found = places.locate(Number(line))
    if (found === undefined) return whole
    return before.endsWith(":") ? placeOf(found) : `${placeOf(found)}: parse error`
  })
  if (mapped !== message) return mapped
  const found = [
    ...new Set(statementsOf(message, places.statements).map(({ location }) => placeOf(location))),
  ]
  if (found.length === 0 || found.length > mostPlaces) return message
  return `${found.join(" or ")}: ${message}`
}

const lineOfLinked = /(dockerfile parse error on line |\bstack\.Dockerfile:)(\d+)/g
const failedProcess = /process ("(?:[^"\\]|\\.)*") did not complete/
const quoted = /"((?:[^"\\]|\\.)*)"|'([^']*)'/g

function statementsOf(message: string, statements: readonly Statement[]): readonly Statement[] {
  const process = failedProcess.exec(message)?.[1]
  if (process !== undefined) return running(unquoted(process), statements)
  for (const [, double, single] of message.matchAll(quoted)) {
    // The context of an image is read as if from its root.
    const word = (double ?? single ?? "").replace(/^\//, "")
    const found = word === "" ? [] : statements.filter(({ text }) => text.includes(word))
    if (found.length > 0) return found
  }
  return []
}

/** The RUN instructions that this command, with the shell before it, is of. */
function running(command: string, statements: readonly Statement[]): readonly Statement[] {
  const fitting = statements.filter(({ keyword, text }) => keyword === "RUN" && command.endsWith(text))
  const longest = Math.max(0, ...fitting.map(({ text }) => text.length))
  return fitting.filter(({ text }) => text.length === longest)
}

/** Go's `%q`, which is JSON but for letters that no terminal shows. */
function unquoted(text: string): string {
  try {
    return String(JSON.parse(text))
  } catch {
    return text.slice(1, -1)
  }
}

function placeOf({ file, line }: Location): string {
  return `${file}:${line}`
}
