import type { Problem } from "../problems.js"
import { hintFor } from "../text/suggest.js"
import type { Frontend } from "./frontend.js"
import { featureProblem, laterFeatures } from "./frontend.js"
import type { Instruction } from "./instruction.js"
import { assignmentsOf, problemIn, wordsOf } from "./instruction.js"
import { separators, trimBlanks } from "./blanks.js"
import { jsonWords, parseHeredoc } from "./lines.js"

type FlagType = "bool" | "text" | "texts"

const healthFlags = ["interval", "timeout", "start-period", "start-interval"]

/** Flags by keyword (`instructions/parse.go` of BuildKit). STOPSIGNAL and ARG take any, and do nothing with them. */
const flagsOf: Readonly<Record<string, Readonly<Record<string, FlagType>>>> = {
  ADD: { chown: "text", chmod: "text", checksum: "text", link: "bool", "keep-git-dir": "bool" },
  COPY: { chown: "text", chmod: "text", from: "text", link: "bool" },
  FROM: { platform: "text" },
  RUN: { mount: "texts", network: "text" },
  HEALTHCHECK: Object.fromEntries([...healthFlags, "retries"].map((name) => [name, "text" as const])),
}
const withoutFlagCheck = new Set(["STOPSIGNAL", "ARG"])

/** What the builder refuses about an instruction as it is written, whatever its stage is good for. */
export function instructionProblems(instruction: Instruction, frontend: Frontend): readonly Problem[] {
  return [
    ...flagProblems(instruction, frontend),
    ...formProblems(instruction),
    ...(instruction.keyword === "HEALTHCHECK" ? healthProblems(instruction) : []),
  ]
}

function flagProblems(instruction: Instruction, frontend: Frontend): readonly Problem[] {
  const { keyword, flags } = instruction
  const known = flagsOf[keyword] ?? {}
  if (withoutFlagCheck.has(keyword) || isHealthNone(instruction)) return []
  const later = new Map(laterFeatures(instruction).map((feature) => [feature.offset, feature]))
  const seen = new Set<string>()
  return flags.flatMap(({ name, value, start: offset }) => {
    const feature = later.get(offset)
    if (feature !== undefined) {
      const problem = featureProblem(feature, frontend)
      return problem === undefined
        ? []
        : [problemIn(instruction, problem.message, { offset, hint: problem.hint })]
    }
    const type = known[name]
    // A frontend that is not known here may know more flags.
    if (type === undefined) return frontend.kind === "foreign" ? [] : [unknownFlag(instruction, name, offset)]
    const isSecond = seen.has(name) && type !== "texts"
    seen.add(name)
    if (isSecond) return [problemIn(instruction, `--${name} is given a second time`, { offset })]
    const message = flagValueProblem(name, value, type)
    return message === undefined ? [] : [problemIn(instruction, message, { offset })]
  })
}

function flagValueProblem(name: string, value: string | undefined, type: FlagType): string | undefined {
  if (type !== "bool") return value === undefined ? `--${name} takes a value: --${name}=...` : undefined
  if (value === undefined || ["true", "false"].includes(value.toLowerCase())) return undefined
  return `--${name} is true or false, not "${value}"`
}

function unknownFlag(instruction: Instruction, name: string, offset: number): Problem {
  const { keyword } = instruction
  const known = Object.keys(flagsOf[keyword] ?? {})
  const takes =
    known.length === 0
      ? `${keyword} takes none`
      : known.length === 1
        ? `${keyword} takes --${known.join()}`
        : hintFor(name, known, `flags of ${keyword}`)
  return problemIn(instruction, `unknown flag --${name}`, { offset, hint: takes })
}

/** Instructions that take a JSON array of texts, if one at all. */
const withJson = new Set(["ADD", "CMD", "COPY", "ENTRYPOINT", "RUN", "SHELL", "VOLUME"])
const withOneArgument = new Set(["MAINTAINER", "STOPSIGNAL", "USER", "WORKDIR"])

function formProblems(instruction: Instruction): readonly Problem[] {
  const { keyword, args, json, argsStart: offset } = instruction
  const refuse = (message: string) => [problemIn(instruction, message, { offset })]
  if (withJson.has(keyword) && json === undefined && isOtherArray(args))
    return refuse(`${keyword} takes a list of texts: every item stands in double quotes`)
  switch (keyword) {
    case "ENV":
    case "LABEL":
      return assignmentProblems(instruction)
    case "ARG":
      return assignmentsOf(instruction)
        .filter(({ text }) => text.startsWith("="))
        .map(({ start }) => problemIn(instruction, "an ARG has a name", { offset: start }))
    case "COPY":
    case "ADD":
      return json === undefined && parseHeredoc(wordsOf(instruction).at(-1)?.text ?? "") !== undefined
        ? refuse(`${keyword} takes no heredoc as its destination`)
        : []
    case "SHELL":
      return json === undefined || json.length === 0 ? refuse('SHELL takes a list: SHELL ["bash", "-c"]') : []
    case "EXPOSE":
      return args === "" ? refuse("EXPOSE takes at least one port") : []
    case "VOLUME":
      return args === "" || json?.some((path) => trimBlanks(path) === "") === true || json?.length === 0
        ? refuse("VOLUME takes at least one folder")
        : []
    default:
      return withOneArgument.has(keyword) && args === "" ? refuse(`${keyword} takes an argument`) : []
  }
}

/** A JSON array of other things than texts. */
function isOtherArray(args: string): boolean {
  if (!args.startsWith("[") || jsonWords(args) !== undefined) return false
  try {
    return Array.isArray(JSON.parse(args))
  } catch {
    return false
  }
}

/** ENV and LABEL: `name=value` again and again, or one name with all that follows it (`parser/line_parsers.go`). */
function assignmentProblems(instruction: Instruction): readonly Problem[] {
  const { keyword, args, argsStart } = instruction
  const words = assignmentsOf(instruction)
  const form = `${keyword} takes name=value`
  const [first] = words
  if (first === undefined) return [problemIn(instruction, form, { offset: argsStart })]
  if (!first.text.includes("=")) {
    const name = args.split(separators)[0] ?? ""
    if (separators.test(args)) return []
    return [problemIn(instruction, `${name} has no value`, { offset: argsStart, hint: form })]
  }
  return words.flatMap(({ text, start: offset }) => {
    if (text.startsWith("=")) return [problemIn(instruction, `"${text}" has no name`, { offset, hint: form })]
    return text.includes("=") ? [] : [problemIn(instruction, `"${text}" has no "="`, { offset, hint: form })]
  })
}

function isHealthNone({ keyword, args }: Instruction): boolean {
  return keyword === "HEALTHCHECK" && /^none(?:\s|$)/i.test(args)
}

/** A duration as Go's `time.ParseDuration` reads it. */
const duration = /^[-+]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/

function healthProblems(instruction: Instruction): readonly Problem[] {
  const { args, argsStart, flags } = instruction
  const refuse = (message: string) => [problemIn(instruction, message, { offset: argsStart })]
  const [type = "", ...more] = args.split(/\s+/).filter((word) => word !== "")
  if (isHealthNone(instruction)) return more.length > 0 ? refuse("HEALTHCHECK NONE takes no argument") : []
  if (type.toUpperCase() !== "CMD") return refuse("HEALTHCHECK takes CMD and a command, or NONE")
  const command = trimBlanks(args.slice(type.length))
  if (command === "" || isOtherArray(command) || jsonWords(command)?.length === 0)
    return refuse("HEALTHCHECK CMD takes a command")
  return flags.flatMap(({ name, value = "", start: offset }) => {
    const isWrong =
      name === "retries"
        ? value !== "" && !/^\+?\d{1,9}$/.test(value)
        : healthFlags.includes(name) && value !== "" && (!duration.test(value) || value.startsWith("-"))
    const accepted = name === "retries" ? "a number" : "a time, such as 30s or 1m30s"
    return isWrong ? [problemIn(instruction, `--${name} is ${accepted}, not "${value}"`, { offset })] : []
  })
}
