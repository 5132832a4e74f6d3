import type { TestResult } from "../testing/testRun.js"
import { isFailure } from "../testing/testRun.js"
import { excerptOfOutput, excerptOfTest, placeOfTest } from "./excerpt.js"
import type { ImageReport, StackReport } from "./report.js"
import { describeOutcome, isFailed } from "./report.js"

/** GitHub shows no more than ten errors of a step. */
const mostAnnotations = 10

/**
 * What failed, as commands of GitHub's runner: an error at the line of each failed test, at its Dockerfile for an image
 * that failed otherwise. Text from images cannot end its command or begin another one.
 * @see https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
 */
export function renderAnnotations({ images, imagesDirectory = "images" }: StackReport): string {
  const lines = images.filter(isFailed).flatMap((image) => imageErrors(image, imagesDirectory))
  return lines
    .slice(0, mostAnnotations)
    .map((line) => `${line}\n`)
    .join("")
}

function imageErrors(image: ImageReport, folder: string): readonly string[] {
  const { name, outcome, suites } = image
  if (outcome.kind === "skipped") return []
  const failed = suites.flatMap(({ run }) => run.tests).filter(isFailure)
  if (failed.length > 0) return failed.map((test) => testError(name, test, folder))
  const message = "message" in outcome ? excerptOfOutput(outcome.message).join("\n") : ""
  const title = `${name}: ${describeOutcome(outcome)}`
  return [error({ file: `${folder}/${name}/Dockerfile`, title }, message === "" ? title : message)]
}

function testError(image: string, test: TestResult, folder: string): string {
  const { file, line } = placeOfTest(test.id, test.message)
  const place = { file: `${folder}/${file}`, ...(line !== undefined && { line: String(line) }) }
  const text = excerptOfTest(test).join("\n")
  return error({ ...place, title: `${image}: ${test.id} ${test.outcome}` }, text === "" ? test.id : text)
}

function error(properties: Readonly<Record<string, string>>, message: string): string {
  const written = Object.entries(properties).map(([key, value]) => `${key}=${property(value)}`)
  return `::error ${written.join(",")}::${data(message)}`
}

function data(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A")
}

function property(text: string): string {
  return data(text).replaceAll(":", "%3A").replaceAll(",", "%2C")
}
