import { contextPath, missingFrom, missingMessage } from "./buildContext.js"
import type { Edit, ImageDraft, LinkedInstruction, Part, StageDraft, Surroundings } from "./draft.js"
import type { Flag, Instruction } from "./instruction.js"
import { locationOf, problemIn } from "./instruction.js"
import { csvFields, readMount } from "./mounts.js"
import { resolveSource } from "./sources.js"
import { sshAgent } from "../text/shell.js"
import { expandWord } from "./words.js"

/** RUN: mounts of the build context read the image's context stage, others the stage or image they name. */
export function linkRun(
  image: ImageDraft,
  stage: StageDraft,
  instruction: Instruction,
  surroundings: Surroundings,
): LinkedInstruction {
  const mounts = instruction.flags.filter(({ name }) => name === "mount")
  const edits = mounts.flatMap((flag) => linkMount(image, stage, instruction, flag, surroundings) ?? [])
  return { instruction, edits }
}

function linkMount(
  image: ImageDraft,
  stage: StageDraft,
  instruction: Instruction,
  flag: Flag,
  surroundings: Surroundings,
): Edit | undefined {
  const fields = csvFields(flag.value ?? "")
  noteMount(stage, instruction, flag)
  const from = fieldValue(fields, ["from"])
  if (from !== undefined) {
    const mention = { text: from, what: "RUN --mount from", instruction, offset: flag.start } as const
    const source = resolveSource(image, mention, surroundings)
    if (source === undefined) return undefined
    stage.uses.push({ source, location: locationOf(instruction) })
    return mountEdit(
      flag,
      fields.map((field) => (keyOf(field) === "from" ? ["from=", source] : [field])),
    )
  }
  const type = expandWord(fieldValue(fields, ["type"]) ?? "bind", stage.scope.lookup)
  if (type.kind !== "text") {
    const message = "the type of this mount is not known before the build"
    stage.problems.push(problemIn(instruction, message, { offset: flag.start }))
    return undefined
  }
  if (type.text.toLowerCase() === "ssh") {
    const others = fields.filter((field) => keyOf(field) !== "id").map((field) => [field])
    return mountEdit(flag, [...others, ["id=", { kind: "agent" }]])
  }
  // Cache, tmpfs and secret mounts without `from` read no context.
  if (type.text.toLowerCase() !== "bind") return undefined
  noteContext(image, stage, instruction, flag)
  return mountEdit(flag, [...fields.map((field) => [field]), [`from=${image.names.context}`]])
}

/** Notes what the builder would refuse about a mount, and what has to be given for it. */
function noteMount(stage: StageDraft, instruction: Instruction, flag: Flag): void {
  const { type, id, required, mistake } = readMount(flag, stage.scope.lookup)
  const offset = flag.start
  if (mistake !== undefined) stage.problems.push(problemIn(instruction, mistake, { offset }))
  else if (type === "ssh" && id !== "default") {
    const message = `there is one ssh agent, "default", and this mounts "${id ?? ""}"`
    stage.problems.push(problemIn(instruction, message, { offset, hint: "leave id out" }))
  } else if (id !== undefined) {
    const given = type === "ssh" ? sshAgent : id
    stage.secrets.push({ id: given, required, location: locationOf(instruction) })
  }
}

/** Notes which files of the context a bind mount shows, and that its source exists. */
function noteContext(image: ImageDraft, stage: StageDraft, instruction: Instruction, flag: Flag): void {
  stage.readsContext = true
  const source = expandWord(
    fieldValue(csvFields(flag.value ?? ""), ["source", "src"]) ?? "",
    stage.scope.lookup,
  )
  const path = source.kind === "text" ? contextPath(source.text) : undefined
  const files = path === undefined ? image.context.all() : image.context.mounted(path)
  for (const file of files) stage.files.add(file)
  const reason = path === undefined ? undefined : missingFrom(image.context, path)
  if (path === undefined || reason === undefined) return
  const message = missingMessage(path, reason, image.spec)
  stage.problems.push(problemIn(instruction, message, { offset: flag.start }))
}

function mountEdit(flag: Flag, fields: readonly (readonly Part[])[]): Edit {
  const parts = fields.flatMap((field, index) => {
    const spelled = field.map((part) => (typeof part === "string" ? quoteFlag(csvField(part)) : part))
    return index === 0 ? spelled : [",", ...spelled]
  })
  return { start: flag.start, end: flag.end, parts: ["--mount=", ...parts] }
}

function csvField(field: string): string {
  return /[",]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field
}

/** Characters that a flag would lose, escaped. */
function quoteFlag(text: string): string {
  return text.replaceAll(/[\s"'\\]/gu, "\\$&")
}

function keyOf(field: string): string {
  return (field.split("=")[0] ?? "").toLowerCase()
}

/** The value of the last field that has one of these keys, as BuildKit takes it. */
function fieldValue(fields: readonly string[], keys: readonly string[]): string | undefined {
  const field = fields.findLast((candidate) => candidate.includes("=") && keys.includes(keyOf(candidate)))
  return field?.slice(field.indexOf("=") + 1)
}
