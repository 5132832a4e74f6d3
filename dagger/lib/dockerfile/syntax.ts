import type { Problem } from "../problems.js"
import type { ImageDraft } from "./draft.js"
import { readsAll } from "./frontend.js"
import type { Directive } from "./lines.js"

/** The directives at the top of the linked file, in order. */
export function linkedDirectives(images: readonly ImageDraft[], problems: Problem[]): readonly string[] {
  const syntax = agreed(images, "syntax", problems)
  const check = agreed(images, "check", problems)
  // A custom frontend, and checks that fail a build, would hold for images that do not ask for them.
  if (syntax !== undefined && !readsAll(syntax)) refuseSilence(images, "syntax", syntax, problems)
  if (check !== undefined) refuseSilence(images, "check", check, problems)
  return [syntax, check].flatMap((each) => (each === undefined ? [] : [directiveLine(each)]))
}

/** An image's own directives that are obeyed: a part of its text. */
export function ownDirectives({ dockerfile: { syntax, check } }: ImageDraft): readonly string[] {
  return [syntax, check].flatMap((each) => (each === undefined ? [] : [directiveLine(each)]))
}

function directiveLine({ name, value }: Directive): string {
  return `# ${name}=${value}`
}

/** One linked file has one frontend and one set of checks: the first directive, where no other contradicts it. */
function agreed(
  images: readonly ImageDraft[],
  name: "syntax" | "check",
  problems: Problem[],
): Directive | undefined {
  const [first, ...others] = images.flatMap(({ dockerfile }) => dockerfile[name] ?? [])
  for (const other of others) {
    if (other.value === first?.value || first === undefined) continue
    const { file, line } = first.location
    problems.push({
      location: other.location,
      message: `# ${name}=${other.value} contradicts # ${name}=${first.value} of ${file}:${line}`,
      hint: `images that are built together share one # ${name}=`,
    })
  }
  return first
}

function refuseSilence(
  images: readonly ImageDraft[],
  name: "syntax" | "check",
  { value, location }: Directive,
  problems: Problem[],
): void {
  const silent = images.find(({ dockerfile }) => dockerfile[name] === undefined)
  if (silent === undefined) return
  const message = `# ${name}=${value} would hold for ${silent.dockerfile.file}, too, which is built together with this one`
  problems.push({ location, message, hint: `write it there as well, or leave it out here` })
}
