import type { Edit, ImageDraft, LinkedInstruction, Part, Source, StageDraft } from "./draft.js"
import { defaultShell, linesForPublished } from "./handedDown.js"
import {
  argumentsLeftBy,
  hiddenAtStart,
  unsettingEdits,
  unsettingShell,
  withoutUnset,
} from "./unsetArguments.js"
import { copiedBase } from "./stageNames.js"
import type { LogicalLine } from "./lines.js"

/** A line of the linked Dockerfile. */
export interface RenderedLine {
  readonly text: string
  /** Where it comes from; the linker's own lines come from nowhere. */
  readonly origin?: { readonly file: string; readonly line: number }
  /** Set on the FROM of a stage of the author's. */
  readonly isFrom?: true
}

/** How other images of the tree are spelled. */
export interface Spelling {
  /** A stage of this text, or a reference in a registry. */
  imageName(source: Extract<Source, { kind: "image" }>): string
  /** The draft of the image that a stage is built on in this text, whose arguments it would inherit. */
  inheritedFrom(base: Source): ImageDraft | undefined
  /** Whether what a stage is built on is another image of the tree, and comes from a registry. */
  isPublished(base: Source): boolean
  /** What the builder knows the ssh agent by. */
  readonly agent: string
  /** A flag for each RUN of an image, where they are to run again. */
  runFlag(image: ImageDraft): string | undefined
}

/** An image's part of the linked Dockerfile, without comments of the original. */
export function renderImage(image: ImageDraft, spelling: Spelling): readonly RenderedLine[] {
  const blocks = image.stages.map((stage, index) =>
    renderStage(image, stage, index === image.stages.length - 1, spelling),
  )
  return [...contextBlock(image), ...blocks].flatMap((block, index) =>
    index === 0 ? block : [blankLine, ...block],
  )
}

const blankLine: RenderedLine = { text: "" }

/** The build context as a stage. A context without a file has no folder to copy either. */
function contextBlock({ stages, names, context }: ImageDraft): readonly (readonly RenderedLine[])[] {
  if (!stages.some(({ readsContext }) => readsContext)) return []
  const start = { text: `FROM scratch AS ${names.context}` }
  return [context.isEmpty ? [start] : [start, { text: `COPY ["${context.place}", "/"]` }]]
}

function renderStage(
  image: ImageDraft,
  stage: StageDraft,
  isLast: boolean,
  spelling: Spelling,
): readonly RenderedLine[] {
  const { names } = image
  const isSplit = isLast && stage.onbuild.length > 0
  const name = isSplit ? names.body : stage.name
  const { file, line } = stage.location
  const origin = { file, line }
  const from = renderParts(stage.from, spelling)
  const fromAs = (own: string): RenderedLine => ({ text: `${from} AS ${own}`, origin, isFrom: true })
  const copied = `${names.image}--${copiedBase(image.stages.indexOf(stage))}`
  const lines: RenderedLine[] = [
    // A stage of its own: an ENTRYPOINT takes away the CMD of its base, but none of its own stage.
    ...(stage.preface.length === 0
      ? [fromAs(name)]
      : [
          fromAs(copied),
          ...stage.preface.map((parts) => ({ text: renderParts(parts, spelling), origin })),
          { text: `FROM ${copied} AS ${name}`, origin },
        ]),
    ...resetLines(spelling.inheritedFrom(stage.base), spelling),
    ...(spelling.isPublished(stage.base) ? linesForPublished(stage.inherited) : []),
    ...renderBody(image, stage, spelling),
  ]
  if (!isSplit) return lines
  // Images built on this one run its triggers as instructions of their own, so they start from before them.
  const triggers = stage.onbuild.flatMap((instruction) =>
    renderInstruction({ instruction, edits: [] }, spelling),
  )
  return [...lines, blankLine, { text: `FROM ${names.body} AS ${names.image}` }, ...triggers]
}

function resetLines(parent: ImageDraft | undefined, spelling: Spelling): readonly RenderedLine[] {
  const reset = parent === undefined ? [] : [...argumentsLeftBy(parent, spelling)]
  if (reset.length === 0 || parent === undefined) return []
  return [
    { text: `# Arguments of ${parent.spec.name}, which its published image would not hand on.` },
    { text: `ARG ${reset.map((name) => `${name}=`).join(" ")}` },
  ]
}

/** The instructions of a stage, with the shell that each needs: see `unsetArguments.ts`. */
function renderBody(image: ImageDraft, stage: StageDraft, spelling: Spelling): readonly RenderedLine[] {
  const hidden = new Set(hiddenAtStart(image, stage, spelling))
  const flag = spelling.runFlag(image)
  const lines: RenderedLine[] = []
  let own = stage.inherited.shell
  let current = own
  const useShell = (shell: readonly string[] | undefined) => {
    const wanted = JSON.stringify(shell ?? defaultShell)
    if (wanted !== JSON.stringify(current ?? defaultShell)) lines.push({ text: `SHELL ${wanted}` })
    current = shell
  }
  for (const linked of stage.instructions) {
    const { keyword, json } = linked.instruction
    if (keyword === "SHELL" && json !== undefined) own = current = json
    if (keyword === "RUN" && json === undefined) useShell(unsettingShell(own, hidden))
    if ((keyword === "CMD" || keyword === "ENTRYPOINT") && json === undefined) useShell(own)
    lines.push(...renderInstruction(builtAlong(linked, hidden, flag), spelling))
    for (const name of linked.defines ?? []) hidden.delete(name)
  }
  useShell(own)
  return lines
}

/** An instruction that sees no arguments of parents, and runs again where it has to. */
function builtAlong(
  linked: LinkedInstruction,
  hidden: ReadonlySet<string>,
  flag: string | undefined,
): LinkedInstruction {
  const { instruction, edits } = withoutUnset(linked, hidden)
  if (instruction.keyword !== "RUN") return { instruction, edits }
  const at = instruction.keywordEnd
  const again: readonly Edit[] = flag === undefined ? [] : [{ start: at, end: at, parts: [` ${flag}`] }]
  return { instruction, edits: [...again, ...edits, ...unsettingEdits(instruction, hidden)] }
}

function renderParts(parts: readonly Part[], spelling: Spelling): string {
  return parts.map((part) => renderPart(part, spelling)).join("")
}

function renderPart(part: Part, spelling: Spelling): string {
  if (typeof part === "string") return part
  return part.kind === "agent" ? spelling.agent : renderSource(part, spelling)
}

function renderSource(source: Source, spelling: Spelling): string {
  switch (source.kind) {
    case "scratch":
      return "scratch"
    case "stage":
      return source.name
    case "image":
      return spelling.imageName(source)
    case "external":
      return source.digest === undefined || source.reference.includes("@")
        ? source.reference
        : `${source.reference}@${source.digest}`
  }
}

function renderInstruction(linked: LinkedInstruction, spelling: Spelling): readonly RenderedLine[] {
  const { line } = linked.instruction
  const rendered = editedLines(line, linked.edits, spelling)
  const after = (line.segments.at(-1)?.line ?? 0) + 1
  const heredocs = line.heredocs.map((text, index) => ({
    text,
    origin: { file: line.file, line: after + index },
  }))
  return [...rendered, ...heredocs]
}

/** The physical lines of an instruction, continued where the original is, with its edits made. */
function editedLines(line: LogicalLine, edits: readonly Edit[], spelling: Spelling): readonly RenderedLine[] {
  const breaks = line.segments.filter(({ offset }) => offset > 0 && offset < line.text.length)
  const pieces = [{ text: "", line: line.segments[0]?.line ?? 1 }]
  const append = (text: string) => {
    const last = pieces.at(-1)
    if (last !== undefined) last.text += text
  }
  const copy = (from: number, to: number) => {
    let position = from
    for (const segment of breaks) {
      if (segment.offset < from || segment.offset >= to) continue
      append(line.text.slice(position, segment.offset))
      pieces.push({ text: "", line: segment.line })
      position = segment.offset
    }
    append(line.text.slice(position, to))
  }
  let position = 0
  for (const { start, end, parts } of edits) {
    copy(position, start)
    append(renderParts(parts, spelling))
    position = end
  }
  copy(position, line.text.length)
  return pieces.map(({ text, line: number }, index) => ({
    text: index < pieces.length - 1 ? `${text}\\` : text,
    origin: { file: line.file, line: number },
  }))
}

/** Lines as a text. */
export function textOf(lines: readonly RenderedLine[]): string {
  return lines.map(({ text }) => `${text}\n`).join("")
}
