import { shellCommand } from "../text/shell.js"
import type { Edit, ImageDraft, LinkedInstruction, StageDraft } from "./draft.js"
import { defaultShell } from "./handedDown.js"
import type { Instruction } from "./instruction.js"
import { wordsOf } from "./instruction.js"
import { parseHeredoc } from "./lines.js"
import type { Spelling } from "./render.js"

/*
 * BuildKit hands the arguments of a stage on to those built on it; an image keeps only its ENV. A child that is built
 * along would see its parent's arguments, one on the published parent would not. No instruction unsets a variable. So
 * these arguments are made empty, the shell that a RUN starts in unsets them first, and `${NAME-word}`, which tells an
 * empty variable from one that is not set, becomes `${NAME:-word}`, which does not.
 */

/** Variables that the builder sets where an image does not: an empty one would stop every command. */
const setByBuilder = new Set(["HOME", "PATH"])

/** Arguments that images built on this one in the same text would see, and must not. */
export function argumentsLeftBy(image: ImageDraft, spelling: Spelling): ReadonlySet<string> {
  const last = image.stages.at(-1)
  if (last === undefined) return new Set()
  const { argumentNames, scope, environment } = last
  const own = [...argumentNames].filter(
    (name) => scope.has(name) && !environment.has(name) && !setByBuilder.has(name),
  )
  return new Set([...hiddenAfter(image, last, spelling), ...own].toSorted())
}

/** Arguments of a stage's parents that it must not see, at its start. */
export function hiddenAtStart(
  image: ImageDraft,
  { base }: StageDraft,
  spelling: Spelling,
): ReadonlySet<string> {
  const parent = spelling.inheritedFrom(base)
  if (parent !== undefined) return argumentsLeftBy(parent, spelling)
  if (base.kind !== "stage") return new Set()
  const below = stagesByName(image, spelling).get(base.name)
  return below === undefined ? new Set() : hiddenAfter(image, below, spelling)
}

function hiddenAfter(image: ImageDraft, stage: StageDraft, spelling: Spelling): ReadonlySet<string> {
  const { after } = knownBy(spelling)
  const known = after.get(stage)
  if (known !== undefined) return known
  const hidden = new Set(hiddenAtStart(image, stage, spelling))
  for (const { defines = [] } of stage.instructions) for (const name of defines) hidden.delete(name)
  after.set(stage, hidden)
  return hidden
}

/** What was found out for one text: stages that stand on each other would be asked about all below them, each again. */
interface Known {
  readonly after: WeakMap<StageDraft, ReadonlySet<string>>
  readonly byName: WeakMap<ImageDraft, ReadonlyMap<string, StageDraft>>
}

const knownOfTexts = new WeakMap<Spelling, Known>()

function knownBy(spelling: Spelling): Known {
  const known = knownOfTexts.get(spelling) ?? { after: new WeakMap(), byName: new WeakMap() }
  knownOfTexts.set(spelling, known)
  return known
}

function stagesByName(image: ImageDraft, spelling: Spelling): ReadonlyMap<string, StageDraft> {
  const { byName } = knownBy(spelling)
  // Of stages with one name the first counts.
  const stages = byName.get(image) ?? new Map(image.stages.toReversed().map((stage) => [stage.name, stage]))
  byName.set(image, stages)
  return stages
}

/** The shell form's shell, unsetting variables first; its command comes as the word after these. */
export function unsettingShell(
  shell: readonly string[] | undefined,
  hidden: ReadonlySet<string>,
): readonly string[] | undefined {
  const unset = unsetCommand(hidden)
  if (unset === undefined) return shell
  const inner = shell ?? defaultShell
  return [posixShell(inner[0]) ?? "/bin/sh", "-c", `${unset}; exec ${shellCommand(inner)} "$0"`]
}

/** A RUN without shell that starts one itself, told to unset variables first. */
export function unsettingEdits(
  { args, argsStart, json }: Instruction,
  hidden: ReadonlySet<string>,
): readonly Edit[] {
  const unset = unsetCommand(hidden)
  const shell = posixShell(json?.[0])
  if (unset === undefined || shell === undefined || json === undefined) return []
  const words = [shell, "-c", `${unset}; exec "$0" "$@"`, ...json]
  return [{ start: argsStart, end: argsStart + args.length, parts: [JSON.stringify(words)] }]
}

/** `command`, because a shell that refuses to unset a variable of its own (UID) would end at `unset` alone. */
function unsetCommand(hidden: ReadonlySet<string>): string | undefined {
  const names = [...hidden].filter((name) => /^[A-Za-z_]\w*$/.test(name))
  return names.length === 0 ? undefined : `command unset -v ${names.join(" ")} 2>/dev/null`
}

function posixShell(program: string | undefined): string | undefined {
  return program !== undefined && /^(?:.*\/)?(?:ba|da|a|k|z)?sh$/.test(program) ? program : undefined
}

/** Instructions whose text BuildKit expands. */
const expanded = new Set("ADD ARG COPY ENV EXPOSE LABEL RUN STOPSIGNAL USER VOLUME WORKDIR".split(" "))

/** `${NAME-word}` as `${NAME:-word}` and its kin, outside of what is edited already. */
export function withoutUnset(linked: LinkedInstruction, hidden: ReadonlySet<string>): LinkedInstruction {
  const { instruction, edits } = linked
  if (hidden.size === 0 || !expanded.has(instruction.keyword)) return linked
  // Of RUN only the flags are expanded by the builder; the rest is the shell's.
  const end = instruction.keyword === "RUN" ? instruction.argsStart : instruction.line.text.length
  const places = colonPlaces(instruction.line.text.slice(0, end), hidden)
  const free = places.filter((at) => !edits.some((edit) => at >= edit.start && at < edit.end))
  const added = free.map((at): Edit => ({ start: at, end: at, parts: [":"] }))
  const line = { ...instruction.line, heredocs: heredocsWithoutUnset(instruction, hidden) }
  return {
    ...linked,
    instruction: { ...instruction, line },
    edits: [...edits, ...added].toSorted((a, b) => a.start - b.start),
  }
}

/** The bodies that COPY and ADD write to files: expanded where the delimiter has no quotes, whatever quotes are in them. */
function heredocsWithoutUnset(instruction: Instruction, hidden: ReadonlySet<string>): readonly string[] {
  const { heredocs } = instruction.line
  if (instruction.keyword === "RUN") return heredocs
  const open = wordsOf(instruction).flatMap(({ text }) => {
    const heredoc = parseHeredoc(text)
    return heredoc === undefined ? [] : [{ ...heredoc, isExpanded: !/["']/.test(text) }]
  })
  return heredocs.map((line) => {
    const current = open[0]
    const delimiter = current?.stripsTabs === true ? line.replace(/^\t+/, "") : line
    const isEnd = delimiter === current?.name
    if (isEnd) open.shift()
    if (isEnd || current?.isExpanded !== true) return line
    return line.replaceAll(/\\.|\$\{(\w+)(?=[-+?])/gsu, (piece: string, name?: string) =>
      name !== undefined && hidden.has(name) ? `${piece}:` : piece,
    )
  })
}

function colonPlaces(text: string, hidden: ReadonlySet<string>): readonly number[] {
  const pieces = text.matchAll(/\\.|'[^']*'|\$\{(\w+)(?=[-+?])/gsu)
  return [...pieces].flatMap(({ 0: piece, 1: name, index }) =>
    name !== undefined && hidden.has(name) ? [index + piece.length] : [],
  )
}
