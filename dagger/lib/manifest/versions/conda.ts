import { compareDigits, compareSequences } from "./natural.js"

/** Numbers and words that one component between dots consists of. */
type Component = readonly string[]

/**
 * Orders conda versions as conda's `VersionOrder` documents it: an epoch, components that are runs of digits and
 * letters; `dev` comes before all words, words before numbers, `post` after all; what is missing counts as 0.
 */
export function compareConda(a: string, b: string): number {
  const left = parse(a)
  const right = parse(b)
  return (
    compareDigits(left.epoch, right.epoch) ||
    compareSequences(left.version, right.version, compareComponents) ||
    compareSequences(left.local, right.local, compareComponents)
  )
}

function parse(text: string): {
  readonly epoch: string
  readonly version: readonly Component[]
  readonly local: readonly Component[]
} {
  const [version = "", local = ""] = text.trim().toLowerCase().split("+")
  const bang = version.indexOf("!")
  return {
    epoch: bang === -1 ? "0" : version.slice(0, bang),
    version: componentsOf(version.slice(bang + 1)),
    local: local === "" ? [] : componentsOf(local),
  }
}

function componentsOf(text: string): readonly Component[] {
  // A trailing underscore stands for itself (openssl's 1.1.1_ comes before 1.1.1a); others and hyphens separate.
  const separated = text.replaceAll("-", "_").replaceAll(/_(?!$)/g, ".")
  return separated.split(".").map((component) => {
    const runs = component.match(/\d+|[^\d]+/g) ?? ["0"]
    return /^\d/.test(runs[0]) ? runs : ["0", ...runs]
  })
}

function compareComponents(a: Component = ["0"], b: Component = ["0"]): number {
  return compareSequences(a, b, (x = "0", y = "0") => compareRuns(x, y))
}

function compareRuns(a: string, b: string): number {
  const ranks = rankOf(a) - rankOf(b)
  if (ranks !== 0) return Math.sign(ranks)
  if (/^\d/.test(a)) return compareDigits(a, b)
  if (a === b) return 0
  return a < b ? -1 : 1
}

function rankOf(run: string): number {
  if (run === "dev") return 0
  if (run === "post") return 3
  return /^\d/.test(run) ? 2 : 1
}
