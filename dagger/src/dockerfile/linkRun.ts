import { contextPath } from "./buildContext.js"
import type { Edit, ImageDraft, LinkedInstruction, Part, StageDraft, Surroundings } from "./draft.js"
import type { Flag, Instruction } from "./instruction.js"
import { locationOf, problemAt } from "./instruction.js"
import { resolveSource } from "./sources.js"
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
    surroundings.problems.push(problemAt(instruction, message, { offset: flag.start }))
    return undefined
  }
  // Cache, tmpfs, secret and ssh mounts without `from` read no context.
  if (type.text.toLowerCase() !== "bind") return undefined
  noteContext(image, stage, instruction, flag, surroundings)
  return mountEdit(flag, [...fields.map((field) => [field]), [`from=${image.names.context}`]])
}

/** Notes which files of the context a bind mount shows, and that its source exists. */
function noteContext(
  image: ImageDraft,
  stage: StageDraft,
  instruction: Instruction,
  flag: Flag,
  { problems }: Surroundings,
): void {
  stage.readsContext = true
  const source = expandWord(
    fieldValue(csvFields(flag.value ?? ""), ["source", "src"]) ?? "",
    stage.scope.lookup,
  )
  const path = source.kind === "text" ? contextPath(source.text) : undefined
  const files = path === undefined ? image.context.all() : image.context.mounted(path)
  for (const file of files) stage.files.add(file)
  const kind = path === undefined ? "directory" : image.context.kindOf(path)
  if (kind !== "missing" && kind !== "ignored") return
  const reason = kind === "ignored" ? "is left out by its .dockerignore" : "does not exist"
  const message = `"${path ?? ""}" ${reason} in ${image.spec.directory}, the build context of ${image.spec.name}`
  problems.push(problemAt(instruction, message, { offset: flag.start }))
}

function mountEdit(flag: Flag, fields: readonly (readonly Part[])[]): Edit {
  const parts = fields.flatMap((field, index) => {
    const spelled = field.map((part) => (typeof part === "string" ? quoteFlag(csvField(part)) : part))
    return index === 0 ? spelled : [",", ...spelled]
  })
  return { start: flag.start, end: flag.end, parts: ["--mount=", ...parts] }
}

/** The fields of a line of CSV (RFC 4180), the form of a mount's options. */
function csvFields(text: string): readonly string[] {
  const fields = [...text.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/gu)]
  return fields.map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? "")
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
