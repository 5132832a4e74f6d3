import { compareConda } from "./versions/conda.js"
import { compareDebian } from "./versions/debian.js"
import { compareDigits, compareSequences } from "./versions/natural.js"
import { comparePep440 } from "./versions/pep440.js"
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
      return comparePep440(a, b)
    case "r":
      return compareR(a, b)
    case "conda":
      return compareConda(a, b)
  }
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
