import type { Problem } from "../problems.js"
import type { ImageDraft, LinkedInstruction, Source, StageDraft, Surroundings } from "./draft.js"
import type { ParsedStage } from "./dockerfile.js"
import { triggerOf } from "./dockerfile.js"
import type { Instruction } from "./instruction.js"
import { assignmentsOf, locationOf, parseInstruction, problemIn, wordsOf } from "./instruction.js"
import { readDockerfileLines } from "./lines.js"
import { linkCopy } from "./linkCopy.js"
import { linkRun } from "./linkRun.js"
import { linkArgument, linkEnvironment, linkGlobalArgument } from "./linkVariables.js"
import { Scope } from "./scope.js"
import { resolveSource } from "./sources.js"
import { copyOfBase, environmentOf } from "./baseConfig.js"
import { afterInstruction, handedDownBy } from "./handedDown.js"
import { expandWord } from "./words.js"

/** Links every stage of an image, in order: fills `image.stages`. Problems go to `surroundings`. */
export function linkImage(image: ImageDraft, surroundings: Surroundings): void {
  for (const argument of image.dockerfile.globalArguments) {
    if (argument.keyword === "ARG") linkGlobalArgument(image, argument, surroundings)
  }
  for (const parsed of image.dockerfile.stages) {
    const base = baseOf(image, parsed, surroundings)
    const stage = newStage(image, parsed, base, surroundings)
    // A trigger acts in the stage built on it, with that one's context, stages and arguments.
    for (const trigger of triggersOf(image, parsed.from, base, surroundings))
      link(image, stage, trigger, surroundings)
    for (const instruction of parsed.instructions) link(image, stage, instruction, surroundings)
    image.stages.push(stage)
    if (parsed.name !== undefined) image.namedStages.set(parsed.name, stage)
  }
}

function link(
  image: ImageDraft,
  stage: StageDraft,
  instruction: Instruction,
  surroundings: Surroundings,
): void {
  if (instruction.keyword === "ONBUILD") {
    stage.triggers.push(triggerOf(instruction))
    stage.onbuild.push(instruction)
    return
  }
  stage.instructions.push(linked(image, stage, instruction, surroundings))
}

function linked(
  image: ImageDraft,
  stage: StageDraft,
  instruction: Instruction,
  surroundings: Surroundings,
): LinkedInstruction {
  switch (instruction.keyword) {
    case "ARG":
      return linkArgument(image, stage, instruction, surroundings)
    case "ENV":
      return linkEnvironment(stage, instruction, surroundings)
    case "COPY":
    case "ADD":
      return linkCopy(image, stage, instruction, surroundings)
    case "RUN":
      return linkRun(image, stage, instruction, surroundings)
    default:
      stage.problems.push(...wordProblems(stage, instruction))
      stage.handsDown = afterInstruction(stage.handsDown, instruction)
      return { instruction, edits: [] }
  }
}

/** Instructions whose words the builder expands, and in which nothing is linked. */
const expanded = new Set(["EXPOSE", "LABEL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"])

/** `${X:?must be set}`, an open quote, and ports that are none. */
function wordProblems(stage: StageDraft, instruction: Instruction): readonly Problem[] {
  const { keyword, args, argsStart, json } = instruction
  if (!expanded.has(keyword)) return []
  const words =
    json?.map((text) => ({ text, start: argsStart })) ??
    (keyword === "LABEL"
      ? assignmentsOf(instruction)
      : ["EXPOSE", "VOLUME"].includes(keyword)
        ? wordsOf(instruction)
        : [{ text: args, start: argsStart }])
  return words.flatMap(({ text, start: offset }) => {
    const expansion = expandWord(text, stage.scope.lookup)
    if (expansion.kind === "invalid") return [problemIn(instruction, expansion.message, { offset })]
    if (keyword !== "EXPOSE" || expansion.kind !== "text" || isPort(expansion.text)) return []
    const hint = "as 8888, 8000-8010 or 53/udp"
    return [problemIn(instruction, `"${expansion.text}" is not a port`, { offset, hint })]
  })
}

/** A container's ports, as `nat.ParsePortSpecs` of docker/go-connections reads them; with a host's before them, too. */
function isPort(text: string): boolean {
  const [, from = "", to = from] = /^(?:.*:)?(\d+)(?:-(\d+))?(?:\/(?:tcp|udp|sctp)?)?$/i.exec(text) ?? []
  return from !== "" && Number(from) <= 65_535 && Number(to) <= 65_535 && Number(from) <= Number(to)
}

/** What the stage starts from; `scratch` stands in for what could not be resolved and was reported. */
function baseOf(image: ImageDraft, { from, base }: ParsedStage, surroundings: Surroundings): Source {
  const offset = wordsOf(from)[0]?.start ?? 0
  const expansion = expandWord(base, image.globals.lookup)
  const problem = (message: string) => surroundings.problems.push(problemIn(from, message, { offset }))
  if (expansion.kind === "invalid") problem(expansion.message)
  if (expansion.kind === "unknown")
    problem(`the value of ${expansion.variable} is not known before the build`)
  if (expansion.kind !== "text") return { kind: "scratch" }
  if (expansion.text === "") {
    problem(`"${base}" is empty: its variables have no value before the first FROM`)
    return { kind: "scratch" }
  }
  const mention = { text: expansion.text, what: "FROM", instruction: from, offset } as const
  return resolveSource(image, mention, surroundings) ?? { kind: "scratch" }
}

function newStage(
  image: ImageDraft,
  parsed: ParsedStage,
  base: Source,
  surroundings: Surroundings,
): StageDraft {
  const index = image.stages.length
  const name = image.names.stages[index] ?? image.names.image
  const { scope, environment, argumentNames, handsDown } = inherited(image, base, surroundings)
  const preface = prefaceOf(base, surroundings)
  const platform = platformPart(image, parsed, surroundings)
  const pinned = pinnedPlatform(image, parsed)
  const location = locationOf(parsed.from)
  return {
    name,
    base,
    from: [`FROM ${platform}`, preface.length === 0 ? base : { kind: "scratch" }],
    preface,
    inherited: handsDown,
    handsDown,
    location,
    ...(pinned !== undefined && { platform: pinned }),
    instructions: [],
    triggers: [],
    onbuild: [],
    scope,
    environment,
    argumentNames,
    uses: [{ source: base, location }],
    files: new Set(),
    secrets: [],
    problems: [],
    readsContext: false,
  }
}

function inherited(
  image: ImageDraft,
  base: Source,
  surroundings: Surroundings,
): Pick<StageDraft, "scope" | "environment" | "argumentNames" | "handsDown"> {
  if (base.kind === "stage") {
    const below = image.stages.find(({ name }) => name === base.name)
    if (below !== undefined) {
      const { scope, environment, argumentNames, handsDown } = below
      return {
        scope: scope.copy(),
        environment: environment.copy(),
        argumentNames: new Set(argumentNames),
        handsDown,
      }
    }
  }
  const parent = base.kind === "image" ? surroundings.draftOf(base.image)?.stages.at(-1) : undefined
  const config = base.kind === "external" ? surroundings.configOf(base.reference) : undefined
  const known = new Scope(config === undefined ? [] : environmentOf(config), base.kind === "scratch")
  const environment = parent?.environment ?? known
  return {
    scope: environment.copy(),
    environment: environment.copy(),
    argumentNames: new Set(),
    handsDown: parent?.handsDown ?? handedDownBy(config),
  }
}

/** Instructions that act at the start of what is built on a base, in its context. */
function triggersOf(
  image: ImageDraft,
  from: Instruction,
  base: Source,
  surroundings: Surroundings,
): readonly Instruction[] {
  if (base.kind === "stage") return image.stages.find(({ name }) => name === base.name)?.triggers ?? []
  if (base.kind === "image") return surroundings.draftOf(base.image)?.stages.at(-1)?.triggers ?? []
  return triggersOfRegistry(base, surroundings).flatMap((text) => {
    const { lines } = readDockerfileLines(from.line.file, text, surroundings.problems)
    // They stand in no file: messages name the FROM that brings them.
    return lines.map((line) => parseInstruction({ ...line, segments: [{ ...locationOf(from), offset: 0 }] }))
  })
}

/** What stands in place of a base with triggers. */
function prefaceOf(base: Source, surroundings: Surroundings): StageDraft["preface"] {
  const config = base.kind === "external" ? surroundings.configOf(base.reference) : undefined
  if (base.kind !== "external" || config === undefined || config.onbuild.length === 0) return []
  return copyOfBase(base, config)
}

function triggersOfRegistry(base: Source, surroundings: Surroundings): readonly string[] {
  return base.kind === "external" ? (surroundings.configOf(base.reference)?.onbuild ?? []) : []
}

/** `--platform=...` with this image's arguments; those of the platform itself stay open. */
function platformPart(
  image: ImageDraft,
  { from, platform }: ParsedStage,
  surroundings: Surroundings,
): string {
  if (platform === undefined) return ""
  const open = (name: string) =>
    image.platformArguments.has(name) && !image.globalValues.has(name)
      ? `$${name}`
      : image.globals.lookup(name)
  const expansion = expandWord(platform, open)
  if (expansion.kind === "text" && expansion.text !== "") return `--platform=${expansion.text} `
  const message = `the platform "${platform}" of this stage has no value`
  surroundings.problems.push(problemIn(from, message, { offset: from.flags[0]?.start ?? 0 }))
  return ""
}

/** The platform that a FROM pins, as far as it is known before the build. */
function pinnedPlatform(image: ImageDraft, { from, platform }: ParsedStage): StageDraft["platform"] {
  if (platform === undefined) return undefined
  const expansion = expandWord(platform, image.globals.lookup)
  if (expansion.kind !== "text" || expansion.text === "") return undefined
  const { location } = problemIn(from, "", { offset: from.flags[0]?.start ?? 0 })
  return { value: expansion.text, location }
}
