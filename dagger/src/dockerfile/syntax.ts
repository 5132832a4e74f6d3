import type { Problem } from "../spec/spec.js"
import type { ImageDraft } from "./draft.js"

/** The stable releases of the Dockerfile frontend, which every builder has inside. */
const stock = /^(?:docker\.io\/)?docker\/dockerfile(?::(?:1(?:\.\d+){0,2}|latest))?$/

/**
 * The `# syntax=` that the linked file needs. The stock frontend is left out: a builder that obeys the directive pulls
 * that image from a registry first, which not every machine can reach, to do what it can do itself. One linked file
 * has one frontend, so two others contradict each other.
 */
export function linkedSyntax(images: readonly ImageDraft[], problems: Problem[]): string | undefined {
  const [first, ...others] = images.flatMap((image) => ownSyntax(image) ?? [])
  for (const other of others) {
    if (other.value === first?.value || first === undefined) continue
    const { file, line } = first.location
    const message = `the frontend ${other.value} contradicts ${first.value} of ${file}:${line}`
    problems.push({
      location: other.location,
      message,
      hint: "images that are built together share one # syntax=",
    })
  }
  return first?.value
}

/** The image's own directive, unless it names the stock frontend. */
export function ownSyntax({ dockerfile: { syntax } }: ImageDraft): ImageDraft["dockerfile"]["syntax"] {
  return syntax === undefined || stock.test(syntax.value) ? undefined : syntax
}

/** What is said about a directive that is left out. */
export function syntaxNotice({ dockerfile: { syntax } }: ImageDraft): readonly Problem[] {
  if (syntax === undefined || !stock.test(syntax.value)) return []
  return [
    {
      location: syntax.location,
      message: `# syntax=${syntax.value} is left out: the builder's own frontend is used`,
      hint: "obeying it would need that image from a registry at every build",
    },
  ]
}
