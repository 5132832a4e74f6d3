import { compare, valid } from "@renovatebot/pep440"
import { compareConda } from "./versions/conda.js"
import { compareDebian } from "./versions/debian.js"
import { compareDigits, compareSequences } from "./versions/natural.js"
import type { Ecosystem } from "./manifestData.js"

/**
 * Orders two versions by the rules of their package manager: negative where `a` is the older one, zero where the
 * rules call them equal, undefined where they do not say (a Python version that PEP 440 does not know).
 */
export function compareVersions(ecosystem: Ecosystem, a: string, b: string): number | undefined {
  switch (ecosystem) {
    case "apt":
      return compareDebian(a, b)
    case "pip":
      return comparePython(a.trim(), b.trim())
    case "r":
      return compareR(a, b)
    case "conda":
      return compareConda(a, b)
    // Releases of semver are ordered as R's versions are; which of two pre-releases is older is for nobody here to know.
    case "npm":
      return compareR(a, b)
  }
}

/** PEP 440's order; undefined where one is not of its form. Numbers beyond 2^53 are not told apart. */
function comparePython(a: string, b: string): number | undefined {
  return valid(a) === null || valid(b) === null ? undefined : compare(a, b)
}

/** R's `package_version`: numbers between dots and hyphens; of two that begin alike, the longer is the newer. */
function compareR(a: string, b: string): number | undefined {
  const form = /^\d+(?:[.-]\d+)*$/
  if (!form.test(a) || !form.test(b)) return undefined
  return compareSequences(a.split(/[.-]/), b.split(/[.-]/), (x, y) => {
    if (x === undefined || y === undefined) return x === undefined ? -1 : 1
    return compareDigits(x, y)
  })
}
