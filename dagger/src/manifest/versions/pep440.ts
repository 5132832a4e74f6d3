import { compareDigits, compareSequences } from "./natural.js"

/** A version as PEP 440, Appendix B reads it; the phases are ordered by `key`. */
interface PythonVersion {
  readonly epoch: string
  readonly release: readonly string[]
  readonly pre: Phase
  readonly post: Phase
  readonly dev: Phase
  readonly local: readonly string[]
}

/** Rank first, then number. A rank below or above all others stands for a missing phase. */
type Phase = readonly [rank: number, number: string]

const lowest: Phase = [-1, "0"]
const highest: Phase = [9, "0"]

const grammar = new RegExp(
  [
    /^v?(?:(?<epoch>\d+)!)?(?<release>\d+(?:\.\d+)*)/,
    /(?:[-_.]?(?<pre>a|b|c|rc|alpha|beta|pre|preview)[-_.]?(?<preNumber>\d*))?/,
    /(?<post>-(?<implicit>\d+)|[-_.]?(?:post|rev|r)[-_.]?(?<postNumber>\d*))?/,
    /(?<dev>[-_.]?dev[-_.]?(?<devNumber>\d*))?/,
    /(?:\+(?<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?$/,
  ]
    .map(({ source }) => source)
    .join(""),
)

/** Orders Python versions by PEP 440; undefined where one is not of that form. */
export function comparePep440(a: string, b: string): number | undefined {
  const left = parse(a)
  const right = parse(b)
  if (left === undefined || right === undefined) return undefined
  return (
    compareDigits(left.epoch, right.epoch) ||
    compareSequences(left.release, right.release, (x = "0", y = "0") => compareDigits(x, y)) ||
    comparePhases(left.pre, right.pre) ||
    comparePhases(left.post, right.post) ||
    comparePhases(left.dev, right.dev) ||
    compareSequences(left.local, right.local, compareLocal)
  )
}

function parse(version: string): PythonVersion | undefined {
  const groups = grammar.exec(version.trim().toLowerCase())?.groups
  if (groups === undefined) return undefined
  const { epoch = "0", release = "", pre, post, dev, local } = groups
  return {
    epoch,
    release: release.split("."),
    pre: prePhase(pre, groups.preNumber, { isOnlyDev: post === undefined && dev !== undefined }),
    post: post === undefined ? lowest : [0, groups.implicit ?? groups.postNumber ?? "0"],
    dev: dev === undefined ? highest : [0, groups.devNumber ?? "0"],
    local: local === undefined ? [] : local.split(/[-_.]/),
  }
}

/** `1.0.dev1` comes before `1.0a1`, which comes before `1.0`. */
function prePhase(letters: string | undefined, number = "", { isOnlyDev }: { isOnlyDev: boolean }): Phase {
  if (letters === undefined) return isOnlyDev ? lowest : highest
  if (letters.startsWith("a")) return [0, number]
  return letters.startsWith("b") ? [1, number] : [2, number]
}

function comparePhases([rankA, numberA]: Phase, [rankB, numberB]: Phase): number {
  return Math.sign(rankA - rankB) || compareDigits(numberA, numberB)
}

/** Numbers come after words, anything after nothing. */
function compareLocal(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined)
  const isNumberA = /^\d+$/.test(a)
  const isNumberB = /^\d+$/.test(b)
  if (isNumberA && isNumberB) return compareDigits(a, b)
  if (isNumberA !== isNumberB) return isNumberA ? 1 : -1
  if (a === b) return 0
  return a < b ? -1 : 1
}
