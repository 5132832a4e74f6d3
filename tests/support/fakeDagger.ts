import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { checkout } from "./stack.js"

/** A call that reached the fake CLI. */
export interface DaggerCall {
  /** What stands after `dagger`. */
  readonly args: readonly string[]
  /** Its environment. */
  readonly env: Readonly<Record<string, string>>
  /** Commit of the checkout that --source names; empty where it is none. */
  readonly head: string
}

/** A stand-in of the dagger CLI for tests of what calls it: it records calls and "exports" a report. */
export interface FakeDagger {
  /** Folder for PATH. */
  readonly bin: string
  /** Calls of functions so far. */
  calls(): readonly DaggerCall[]
}

/** How the fake answers. */
export interface FakeAnswer {
  /** What is exported as report.json; without it the call itself fails, as for a mistake in the spec. */
  readonly report?: object
  /** What a plan is, as JSON. */
  readonly plan?: object
  /** Image or platform whose own run, or function whose run, is exported as one that failed. */
  readonly failing?: string
  readonly version?: string
  /** What is exported as report.md. */
  readonly markdown?: string
  /** What is said on stderr: plain progress. */
  readonly progress?: string
  /** What else is exported: texts by path. */
  readonly files?: Readonly<Record<string, string>>
  /** Whether links and pipes are among what is exported. */
  readonly strange?: boolean
}

/** Puts a fake `dagger` into a folder. */
export function fakeDagger(folder: string, answer: FakeAnswer = { report: { ok: true } }): FakeDagger {
  const bin = join(folder, "bin")
  const log = join(folder, "calls.jsonl")
  mkdirSync(bin, { recursive: true })
  writeFileSync(log, "")
  const { version = engineVersion(), ...rest } = answer
  writeFileSync(join(folder, "fake.json"), JSON.stringify({ version, log, ...rest }))
  // Whatever stands in a folder above, the program is no ECMAScript module.
  writeFileSync(join(bin, "package.json"), '{ "type": "commonjs" }')
  writeFileSync(join(bin, "dagger"), program(join(folder, "fake.json")))
  chmodSync(join(bin, "dagger"), 0o755)
  return {
    bin,
    calls: () =>
      readFileSync(log, "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as DaggerCall),
  }
}

/** The version that dagger.json asks for, as `v0.19.10`. */
export function engineVersion(): string {
  const module = JSON.parse(readFileSync(join(checkout, "dagger.json"), "utf8")) as { engineVersion: string }
  return module.engineVersion
}

function program(settings: string): string {
  return `#!${process.execPath}
const { spawnSync } = require("node:child_process")
const { appendFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } = require("node:fs")
const { version, log, report, plan, failing, markdown, progress = "", files = {}, strange } = JSON.parse(readFileSync(${JSON.stringify(settings)}, "utf8"))
const args = process.argv.slice(2)
if (args[0] === "version") {
  console.log(\`dagger \${version} (fake) linux/amd64\`)
  process.exit()
}
const source = args.find((arg) => arg.startsWith("--source="))?.slice("--source=".length)
const { stdout: head } = spawnSync("git", ["-C", source ?? "/", "rev-parse", "HEAD"], { encoding: "utf8" })
appendFileSync(log, JSON.stringify({ args, env: process.env, head: head.trim() }) + "\\n")
process.stderr.write(progress)
if (report === undefined) {
  console.error("spec.yml:3:1: this is not understood")
  process.exit(1)
}
if (args.at(-1) === "json") {
  console.log(JSON.stringify(plan, null, 2))
  process.exit()
}
console.log("said by an image: ##[add-mask]x")
const folder = args.find((arg) => arg.startsWith("--path=")).slice("--path=".length)
mkdirSync(folder + (strange ? "/screenshots" : ""), { recursive: true })
if (strange) {
  writeFileSync(folder + "/screenshots/real.png", "")
  for (const name of ["/x.png", "/screenshots/x.png"]) symlinkSync("/etc/passwd", folder + name)
  spawnSync("mkfifo", [folder + "/screenshots/pipe"])
}
writeFileSync(folder + "/report.json", JSON.stringify(["", "--only=", "--platform="].some((option) => args.includes(option + failing)) ? { ok: false } : report))
for (const [path, text] of Object.entries(files)) {
  mkdirSync(folder + "/" + path.slice(0, Math.max(0, path.lastIndexOf("/"))), { recursive: true })
  writeFileSync(folder + "/" + path, text)
}
writeFileSync(folder + "/report.md", markdown ?? "# The report\\n")
`
}
