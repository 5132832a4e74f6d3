import { readFileSync, readdirSync } from "node:fs"
import { dirname, join, normalize } from "node:path"
import { checkout } from "./stack.js"

/** A page of the documentation. */
export interface Page {
  /** From the root of the checkout: `docs/spec.md`. */
  readonly path: string
  readonly text: string
}

/** Every page that people read: the root's, docs/'s, and those beside what they describe. */
export function allPages(): readonly Page[] {
  const folders = [".", "docs", "images", "engine"]
  const paths = folders.flatMap((folder) =>
    readdirSync(join(checkout, folder))
      .filter((name) => name.endsWith(".md"))
      .map((name) => normalize(`${folder}/${name}`)),
  )
  return paths.map((path) => ({ path, text: readFileSync(join(checkout, path), "utf8") }))
}

/** Where a link of a page leads, from the root of the checkout; `heading` is what stands behind `#`. */
export interface Link {
  readonly file: string
  readonly heading?: string
}

/** The links of a page to other files of the checkout, or to its own headings. Code is not looked at. */
export function linksOf({ path, text }: Page): readonly Link[] {
  const prose = withoutBlocks(text).replaceAll(/`[^`\n]*`/g, "")
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target)
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [file = "", heading] = target.split("#")
      const found = file === "" ? path : normalize(join(dirname(path), file))
      return heading === undefined ? { file: found } : { file: found, heading }
    })
}

/** The anchors that GitHub gives to the headings of a page: lower case, blanks as dashes, punctuation left out. */
export function anchorsOf(text: string): ReadonlySet<string> {
  const headings = [...withoutBlocks(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => heading)
  return new Set(
    headings.map((heading) =>
      heading
        .trim()
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
        .replaceAll(/\s/g, "-"),
    ),
  )
}

/** A call that a page tells its readers to make. */
export interface StackCall {
  /** The first word behind `./stack`: a function, or one of its own commands. */
  readonly name: string
  /** Options of that function, without dashes; those behind a further word are of its result. */
  readonly options: readonly string[]
}

/** Every `./stack <word> ...` of a page, in code blocks and in the text; with words that a call may have before it. */
export function callsOf({ text }: Page): readonly StackCall[] {
  const joined = text.replaceAll(/\\\n\s*/g, "").replaceAll(/`([^`\n]*)\n([^`\n]*)`/g, "`$1 $2`")
  return [...joined.matchAll(/\.\/stack ((?:--[\w=-]+ )*)([a-z][\w-]*)([^\n`#|]*)/g)].map(
    ([, , name = "", rest = ""]) => ({ name, options: ownOptions(rest) }),
  )
}

/** Options up to the first word that is none: `artifacts export --path=out` belongs to the result. */
function ownOptions(rest: string): readonly string[] {
  const words = rest.match(/(?:[^\s"]|"[^"]*")+/g) ?? []
  const end = words.findIndex((word) => !/^(?:\[?--[\w-]|\$)/.test(word))
  return (end === -1 ? words : words.slice(0, end)).flatMap((word) => /^\[?--([\w-]+)/.exec(word)?.[1] ?? [])
}

/** Without blocks of code: what looks like a link or a heading in them is none. */
function withoutBlocks(text: string): string {
  return text.replaceAll(/^( *)(`{3,})[^\n]*\n[\s\S]*?\n\1\2$/gm, "")
}
