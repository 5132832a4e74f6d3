/**
 * Reads or writes a wiki: `wiki job.json`, with a job of `wiki/job.ts`. Prints the result as JSON; when the
 * job failed, also the reason on standard error, and the exit status is 1.
 */
import { readFile } from "node:fs/promises"
import { runWikiJob } from "./wiki/runJob.js"
import type { WikiJobInput } from "./wiki/job.js"

const [path] = process.argv.slice(2)
if (path === undefined) {
  console.error("usage: wiki <job.json>")
  process.exit(2)
}
const result = await runWikiJob(JSON.parse(await readFile(path, "utf8")) as WikiJobInput)
console.log(JSON.stringify(result, null, 2))
if (result.kind === "failed") {
  console.error(result.message)
  process.exitCode = 1
}
