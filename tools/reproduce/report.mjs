// What ./stack reproduce takes out of a run's artifacts. They may be anybody's: a fork's pull request writes every byte of
// them. So nothing in them is a program, a place to publish to, or a secret; what is not known here is refused.
import { lstatSync, readFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"

/** A mistake of the caller, or something that stands in the way: told without a stack trace. */
export class Refusal extends Error {}

/** Functions that build and test, with the options that a report may have of them; all but `true` ones have a value. */
const repeatable = {
  "build-stack": ["only", "set", "branch", "base", "registry", "full-rebuild"],
  "test-image": ["image", "set", "ref", "filter"],
}
const withoutValue = ["full-rebuild"]

/**
 * The report, and the path of the plan beside it.
 * @param path report.json, or the folder that it lies in
 * @throws Refusal
 */
export function readRun(path) {
  const file = kindOf(path)?.isDirectory() ? join(path, "report.json") : path
  if (kindOf(file) === undefined) throw new Refusal(`${file} is not there`)
  if (!kindOf(file).isFile()) throw new Refusal(`${file} is no regular file`)
  const report = readReport(file)
  if (report.skippedByRequest !== undefined)
    throw new Refusal(`the run did nothing: ${clean(report.skippedByRequest)}`)
  checkRequest(report.request)
  const plan = resolve(dirname(file), "plan.json")
  return { report, plan: kindOf(plan)?.isFile() ? plan : undefined }
}

/** What a path is, links not followed: an archive may hold a link to any file of this machine. */
function kindOf(path) {
  return lstatSync(path, { throwIfNoEntry: false })
}

/** Reads a report of version 1, as far as it is used here. @throws Refusal */
export function readReport(file) {
  let report
  try {
    report = JSON.parse(readFileSync(file, "utf8"))
  } catch (error) {
    throw new Refusal(`${file} is no JSON: ${clean(error.message)}`)
  }
  if (report?.version !== 1) throw new Refusal(`${file} is no report of version 1`)
  if (!isShaped(report)) throw new Refusal(`${file} is no report of build-stack or test-image`)
  return report
}

function isShaped({ request, source, images }) {
  if (!isObject(request) || !isObject(source) || !Array.isArray(images)) return false
  return images.every(
    (image) =>
      isObject(image) &&
      typeof image.name === "string" &&
      typeof image.outcome?.kind === "string" &&
      Array.isArray(image.suites) &&
      image.suites.every(({ run } = {}) => Array.isArray(run?.tests) && run.tests.every(isTest)),
  )
}

function isTest(test) {
  return isObject(test) && typeof test.id === "string" && typeof test.outcome === "string"
}

function isObject(value) {
  return typeof value === "object" && value !== null
}

function checkRequest({ function: name, arguments: options }) {
  if (typeof name !== "string" || !Object.hasOwn(repeatable, name)) {
    const kind = "acts on what others use, and is not repeated from a report"
    throw new Refusal(`this is the report of ${clean(name)}, which ${kind}`)
  }
  if (!Array.isArray(options)) throw new Refusal("the report does not say with which options it was called")
  const strange = options.find((option) => !isAllowed(name, option))
  if (strange === undefined) return
  const accepted = repeatable[name].map((option) => `--${option}`).join(", ")
  throw new Refusal(
    `the report asks for ${clean(JSON.stringify(strange))}, which no report may: accepted are ${accepted}, as --option=value`,
  )
}

function isAllowed(name, option) {
  const [, key, value] = (typeof option === "string" && /^--([a-z-]+)(?:=([^\0]*))?$/.exec(option)) || []
  if (!repeatable[name].includes(key)) return false
  return withoutValue.includes(key) ? value === undefined : value !== undefined
}

/** Foreign text for a terminal: on one line, with what would steer it shown by its number. */
export function clean(text) {
  const steering = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu
  return String(text).replace(steering, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`)
}
