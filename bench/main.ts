import { parseArgs } from "node:util"
import { checkout, stack } from "../tests/support/stack.js"
import { describeLoad, describeMachine } from "./machine.js"
import type { BenchPart, Section } from "./part.js"
import { beside } from "./parts/beside.js"
import { buildkit } from "./parts/buildkit.js"
import { calls } from "./parts/calls.js"
import { cold } from "./parts/cold.js"
import { growth } from "./parts/growth.js"
import { loop, realLoop } from "./parts/loop.js"
import { planning } from "./parts/planning.js"
import { promotion } from "./parts/promotion.js"
import { real } from "./parts/real.js"
import { start } from "./parts/start.js"
import { printSection } from "./print.js"

/*
 * `./stack bench [--repeats=N] [PART...]`: measures, and prints tables in Markdown; without a part all but those that
 * run only by name. Ends with status 1 where a promise is missed. What is being done is told on stderr.
 */

const parts: readonly BenchPart[] = [
  planning,
  promotion,
  start,
  calls,
  loop,
  beside,
  cold,
  buildkit,
  growth,
  real,
  realLoop,
]
const usage = [
  "Usage: ./stack bench [--repeats=N] [PART...]",
  "",
  ...parts.map(
    ({ name, summary, onlyByName }) =>
      `  ${name.padEnd(10)} ${summary}${onlyByName === true ? "; only by name" : ""}`,
  ),
].join("\n")

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { repeats: { type: "string", default: "3" }, help: { type: "boolean", default: false } },
})
const repeats = Number(values.repeats)
const unknown = positionals.filter((name) => !parts.some((part) => part.name === name))

if (values.help) console.log(usage)
else if (unknown.length > 0 || !Number.isInteger(repeats) || repeats < 1) {
  console.error(
    `stack: bench: ${unknown.length > 0 ? `no part ${unknown.join(", ")}` : "--repeats takes a number"}\n\n${usage}`,
  )
  process.exitCode = 2
} else {
  process.exitCode = (await measure(chosen())) ? 0 : 1
}

function chosen(): readonly BenchPart[] {
  if (positionals.length === 0) return parts.filter(({ onlyByName }) => onlyByName !== true)
  return parts.filter(({ name }) => positionals.includes(name))
}

/** @returns whether every promise was kept */
async function measure(wanted: readonly BenchPart[]): Promise<boolean> {
  const say = (line: string) => {
    console.error(`bench: ${line}`)
  }
  if (wanted.some(({ needsEngine }) => needsEngine)) await bringUpEngine()
  console.log(
    `${await describeMachine(new Date())}\n- medians of ${repeats}, after one round that does not count\n`,
  )
  const sections: Section[] = []
  for (const part of wanted) {
    say(`${part.name}: ${part.summary}`)
    for await (const section of part.run({ repeats, say })) {
      console.log(printSection(section))
      sections.push(section)
    }
  }
  console.log(describeLoad("after"))
  return sections.every(({ goals }) => goals.every(({ met }) => met))
}

/** Before the first measurement: what it takes to build an engine is told elsewhere. */
async function bringUpEngine(): Promise<void> {
  const { status, stderr } = await stack(["engine", "up"], { cwd: checkout, timeout: 3_600_000 })
  if (status !== 0) throw new Error(`the engine did not come up:\n${stderr}`)
}
