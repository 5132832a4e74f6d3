// node tools/reproduce.mjs REPORT [--terminal] [--trust=VALUE] [-- OPTION...]: ./stack reproduce.
// Repeats the run that a report.json tells of: its commit, its plan and its options, in a folder of its own, and says
// whether the same failed. The report is data: the program and the module are those of this checkout, and nothing is
// published. Needs Node and git only.
import { spawnSync } from "node:child_process"
import { closeSync, existsSync, mkdtempSync, openSync, readSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { isatty } from "node:tty"
import { cloneHere, copyCommit, doubtAbout, findCommit } from "./reproduce/checkout.mjs"
import { clean, readReport, readRun, Refusal } from "./reproduce/report.mjs"

const usage = `Usage: ./stack reproduce REPORT [--terminal] [--trust=VALUE...] [-- OPTION...]

Repeats the run of a report: REPORT is a report.json, or the folder of a run's artifacts. The same commit is checked out
into a temporary folder, the plan that lies beside the report is replayed, and nothing is published. At the end stands
whether the same tests failed; the exit status is 0 where everything passes now.

The module is the one of this checkout. Of the commit come Dockerfiles and tests, which run in the engine: it has to be
on a branch of origin, or somebody has to say that it is to be trusted.

  --terminal     then open a shell in the image that failed, with its tests in /stack/tests
  --trust=VALUE  run this commit, or this published image, whoever made it; without it you are asked at a terminal
  -- OPTION...   further options of the function, such as --registry=ghcr.io/me --registry-username=me
                 --registry-password=env://TOKEN, or the secrets of its builds: --secret-id=token
                 --secret=env://TOKEN
`

/** The program of this checkout: a commit's own one could be anybody's. */
const stack = join(dirname(import.meta.dirname), "stack")
/** Options whose effect the plan of a run has in it. */
const decidesPlan = /^--(?:only|full-rebuild|branch|base)(?:=|$)/
/** Options that would make another run of it. */
const notRepeating = /^--(?:source|plan|publish|publish-each|candidates-only)(?:=|$)/
const failing = ["failed", "error", "hung", "crashed", "killed"]
const failedOutcomes = [
  "build-failed",
  "check-failed",
  "tests-failed",
  "over-budget",
  "vulnerable",
  "tag-failed",
  "publish-failed",
]

try {
  process.exitCode = main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof Refusal)) throw error
  say(error.message)
  process.exitCode = 2
}

function main(words) {
  const { path, terminal, trust, more } = readArguments(words)
  if (path === undefined) {
    process.stdout.write(usage)
    return 0
  }
  if (terminal && !isatty(0)) throw new Refusal("--terminal needs a terminal")
  const { report, plan } = readRun(path)
  const options = optionsOf(report, more)
  const root = cloneHere()
  const { commit, dirty } = report.source
  findCommit(root, commit, say)
  for (const doubt of doubts(root, report)) confirm(doubt, trust)
  if (dirty)
    say("the run had changes that no commit holds: they are not repeated, nor is the plan made for them")
  const folder = mkdtempSync(join(tmpdir(), "stack-reproduce-"))
  const source = join(folder, "source")
  const out = join(folder, "out")
  try {
    copyCommit(root, commit, source)
    const call = { source, out, options, more }
    const found = repeat(call, report, plan)
    if (terminal) openTerminal(call, found)
    return found.ok ? 0 : 1
  } finally {
    rmSync(existsSync(out) ? source : folder, { recursive: true, force: true })
  }
}

function readArguments(words) {
  const end = words.indexOf("--")
  const own = end === -1 ? words : words.slice(0, end)
  const known = /^(?:--terminal|--trust=.+|--help|-h)$/s
  const strange = own.find((word) => word.startsWith("-") && !known.test(word))
  if (strange !== undefined) throw new Refusal(`unknown option ${strange}\n\n${usage}`)
  if (own.includes("--help") || own.includes("-h")) return {}
  const paths = own.filter((word) => !word.startsWith("-"))
  if (paths.length !== 1) throw new Refusal(`name one report\n\n${usage}`)
  return {
    path: paths[0],
    terminal: own.includes("--terminal"),
    trust: own.flatMap((word) => (word.startsWith("--trust=") ? [word.slice("--trust=".length)] : [])),
    more: end === -1 ? [] : words.slice(end + 1),
  }
}

/** The report's options that go with the caller's own. @throws Refusal where a login would go where the report says */
function optionsOf({ request }, more) {
  const other = more.find((option) => notRepeating.test(option))
  if (other !== undefined)
    throw new Refusal(`${other}: a repeated run has that decided already; leave it out`)
  const names = (options, name) => options.some((option) => option.startsWith(`--${name}`))
  if (names(more, "registry=")) return request.arguments.filter((option) => !option.startsWith("--registry="))
  if (!names(more, "registry-") || !names(request.arguments, "registry=")) return request.arguments
  const hint =
    "a report does not say where a password goes: name the registry that it is for, -- --registry=..."
  const [registry] = request.arguments.filter((option) => option.startsWith("--registry="))
  throw new Refusal(`the report has ${clean(registry)}, and ${hint}`)
}

/** What would run in the engine without being of this clone's origin, each with the reason to doubt it. */
function doubts(root, { source, request }) {
  const about = doubtAbout(root, source.commit)
  const refs = request.arguments.filter((option) => option.startsWith("--ref="))
  return [
    ...(about === undefined ? [] : [{ value: source.commit, what: `commit ${source.commit}`, about }]),
    ...refs.map((option) => {
      const value = option.slice("--ref=".length)
      return {
        value,
        what: `the image ${clean(value)}`,
        about: "the report alone says that it is one of yours",
      }
    }),
  ]
}

/** @throws Refusal unless the caller takes the word of whoever made it */
function confirm({ value, what, about }, trust) {
  if (trust.includes(value)) return
  const danger = `${what} would run in the engine, and ${about}`
  if (!isatty(0)) throw new Refusal(`${danger}. If you know whose it is, add ${word(`--trust=${value}`)}`)
  process.stderr.write(`reproduce: ${danger}. Run it? [y/N] `)
  if (!/^y(?:es)?$/i.test(answer())) throw new Refusal("not confirmed, so nothing was run")
}

/** A line from the terminal. */
function answer() {
  const terminal = openSync("/dev/tty", "r")
  const buffer = Buffer.alloc(1000)
  const length = readSync(terminal, buffer)
  closeSync(terminal)
  return buffer.toString("utf8", 0, length).trim()
}

/** Calls the function again and compares. @returns the new report */
function repeat({ source, out, options, more }, report, plan) {
  const { function: name } = report.request
  const replayed = plan !== undefined && name === "build-stack" && !report.source.dirty
  const kept = replayed
    ? [...options.filter((option) => !decidesPlan.test(option)), `--plan=${plan}`]
    : options
  const call = [name, `--source=${source}`, ...kept, ...more]
  say(`commit ${report.source.commit}: stack ${call.map(word).join(" ")}`)
  const { status } = run(stack, [...call, "artifacts", "export", `--path=${out}`])
  const file = join(out, "report.json")
  if (status !== 0 || !existsSync(file)) throw new Refusal(`the call itself failed (exit status ${status})`)
  const found = readReport(file)
  tell(failuresOf(report), failuresOf(found))
  say(`report and logs of this run: ${out}`)
  return found
}

/** Says what failed then, now, or both times. */
function tell(then, now) {
  const both = now.filter((failure) => then.includes(failure))
  const gone = then.filter((failure) => !now.includes(failure))
  const added = now.filter((failure) => !then.includes(failure))
  if (then.length === 0 && now.length === 0) return say("passed, as in the report")
  if (gone.length === 0 && added.length === 0)
    return list("reproduced: the same fails as in the report", both)
  list("fails here, too", both)
  list("failed in the report, not here", gone)
  list("fails here, not in the report", added)
}

function list(title, failures) {
  if (failures.length > 0) say([`${title}:`, ...failures.map((failure) => `  ${failure}`)].join("\n"))
}

/** A line for each failed test, and for each image that failed without one. */
function failuresOf({ images }) {
  return images.flatMap(({ name, outcome, suites }) => {
    const tests = suites.flatMap(({ run }) => run.tests.filter((test) => failing.includes(test.outcome)))
    if (tests.length > 0) return tests.map(({ id }) => `${clean(name)}: ${clean(id)}`)
    return failedOutcomes.includes(outcome.kind) ? [`${clean(name)}: ${outcome.kind}`] : []
  })
}

/** Opens the first image that failed, else the first. One whose build stops half-way is none that could be opened. */
function openTerminal({ source, options, more }, { images }) {
  const built = images.filter(({ outcome }) => !["build-failed", "skipped"].includes(outcome.kind))
  const image = built.find(({ outcome }) => failedOutcomes.includes(outcome.kind)) ?? built[0]
  if (image === undefined) {
    const hint = "open the image that it starts from: ./stack shell --source=. --image=... terminal"
    throw new Refusal(`no image was built, so there is none to look into; ${hint}`)
  }
  const set = options.filter((option) => option.startsWith("--set="))
  const published = image.action === "retest" && image.digest !== undefined
  const login = more.filter((option) => /^--registry-(?:username|password)=/.test(option))
  const ref = published ? [`--ref=${image.reference}@${image.digest}`, ...login] : []
  say(`${clean(image.name)}: its tests are in /stack/tests`)
  const secrets = published ? [] : more.filter((option) => /^--secret(?:-id)?=/.test(option))
  run(stack, ["shell", `--source=${source}`, `--image=${image.name}`, ...set, ...ref, ...secrets, "terminal"])
}

function run(program, words) {
  const { status, error } = spawnSync(program, words, { stdio: "inherit" })
  if (error !== undefined) throw new Refusal(`${program}: ${error.message}`)
  return { status }
}

/** A word of a command line as a shell takes it, without what would steer a terminal. */
function word(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${clean(text).replaceAll("'", `'\\''`)}'`
}

function say(text) {
  console.error(`reproduce: ${text}`)
}
