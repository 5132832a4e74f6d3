import correct from "spdx-correct"
import parse from "spdx-expression-parse"
import type { Ecosystem } from "../manifest/manifestData.js"

/**
 * A package's license as an SPDX expression; undefined where its words are none and stand for none.
 * https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/
 */
export function licenseExpression(ecosystem: Ecosystem, license: string): string | undefined {
  const written = ecosystem === "r" ? fromR(license) : license
  if (isExpression(written)) return written
  return isExpression(license) ? license : correctedName(license)
}

function isExpression(text: string): boolean {
  try {
    parse(text)
    return true
  } catch {
    return false
  }
}

/**
 * Only of a short name, for of a sentence the library picks a word that it knows; and only a version that the words
 * have: "BSD License" is not the one with two clauses. Which version of the GPL is meant, words seldom say.
 */
function correctedName(license: string): string | undefined {
  if (license.length > longestName) return undefined
  const name = correct(license)
  if (name === null || name.includes("GPL")) return undefined
  const said = new Set(numbersIn(license))
  return numbersIn(name).every((number) => number === "0" || said.has(number)) ? name : undefined
}

function numbersIn(text: string): readonly string[] {
  return text.match(/\d+/g) ?? []
}

const longestName = 40

/**
 * R's own grammar: alternatives between `|`, each a license with or without versions, with files that say more.
 * https://cran.r-project.org/doc/manuals/r-release/R-exts.html#Licensing
 */
function fromR(license: string): string {
  return license
    .split("|")
    .map((each) => spdxOfR(each.trim().replace(/\s*\+ file LICEN[CS]E$/, "")))
    .join(" OR ")
}

const namesInR: Readonly<Record<string, string>> = {
  BSD_2_clause: "BSD-2-Clause",
  BSD_3_clause: "BSD-3-Clause",
  CC0: "CC0-1.0",
}

function spdxOfR(license: string): string {
  const [, family = "", later, version] =
    /^(A?L?GPL)(?:-| \((>=) | version |\s*\(== )?(\d(?:\.\d+)?)?\)?$/.exec(license) ?? []
  if (family === "") return namesInR[license] ?? license
  // Without a version: any that was published.
  if (version === undefined) return `${family}-${firstVersions[family] ?? "1.0"}-or-later`
  return `${family}-${version.includes(".") ? version : `${version}.0`}-${later === undefined ? "only" : "or-later"}`
}

const firstVersions: Readonly<Record<string, string>> = { GPL: "1.0", LGPL: "2.0", AGPL: "1.0" }
