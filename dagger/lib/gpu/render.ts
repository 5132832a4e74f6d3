import { formatReference } from "../reference/reference.js"
import { fenced } from "../text/markdown.js"
import type { GpuVerdict, RemoteJob } from "./verdict.js"
import { countsInWords } from "./verdict.js"

/** The verdict as JSON, version 1: everything in it, the log included. */
export function renderGpuJson(verdict: GpuVerdict): string {
  return `${JSON.stringify({ version: 1, ...verdict, image: formatReference(verdict.image) }, undefined, 2)}\n`
}

/** Lines of the log that a page shows; the whole one is in the JSON. */
const shownLines = 60
const marks: Readonly<Record<GpuVerdict["kind"], string>> = {
  passed: "passed",
  failed: "FAILED",
  "could-not-run": "COULD NOT RUN",
}
const jobs: Readonly<Record<RemoteJob, string>> = {
  "not-started": "was not started",
  ended: "has ended, its children too",
  "left-to-watchdog": "out of reach; its watchdog on the login host ends it",
}

/** The verdict as Markdown: the sentence, the facts, the end of the log. */
export function renderGpuMarkdown(verdict: GpuVerdict): string {
  const facts: readonly (readonly [string, string])[] = [
    ["Image", code(formatReference(verdict.image))],
    ["Tested", verdict.digest === undefined ? "the tag, no digest is known" : code(verdict.digest)],
    ...(verdict.platform === undefined
      ? []
      : ([["Of that index", `${verdict.platform.platform}, ${code(verdict.platform.digest)}`]] as const)),
    ["Verdict", `${verdict.kind}, ${verdict.reason}`],
    ["Tests", verdict.counts === undefined ? "not counted" : countsInWords(verdict.counts)],
    ["Exit status", verdict.exitStatus === undefined ? "none" : String(verdict.exitStatus)],
    ["Login host", code(verdict.host)],
    ["Command", code(verdict.command)],
    ["Remote job", jobs[verdict.remoteJob]],
    ["Duration", `${verdict.durationSeconds.toFixed(1)} s`],
  ]
  return [
    `### GPU test: ${marks[verdict.kind]}`,
    "",
    `${inline(verdict.sentence)}.`,
    "",
    "| | |",
    "| --- | --- |",
    ...facts.map(([name, value]) => `| ${name} | ${value} |`),
    "",
    ...renderLog(verdict),
  ].join("\n")
}

function renderLog({ kind, log }: GpuVerdict): string[] {
  const lines = log.trimEnd().split("\n")
  if (log.trim() === "") return []
  const end = lines.slice(-shownLines)
  const title = end.length < lines.length ? `Last ${end.length} of ${lines.length} lines` : "Output"
  const open = kind === "passed" ? "<details>" : "<details open>"
  const block = fenced(end.map(plain).join("\n"), "text")
  return [open, `<summary>${title}</summary>`, "", block, "", "</details>", ""]
}

/** Without colours and other control characters. */
function plain(line: string): string {
  return line.replaceAll(/\p{Cc}\[[0-9;?]*[A-Za-z]|\p{Cc}/gu, "")
}

/** Text of the outside on a page of ours: no markup of its own. */
function inline(text: string): string {
  return plain(text).replaceAll(/[\\`*_[\]<>|&#]/g, "\\$&")
}

function code(text: string): string {
  return `\`${plain(text).replaceAll("`", "'").replaceAll("|", "\\|")}\``
}
