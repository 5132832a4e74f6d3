// node tools/reproduce.mjs REPORT [--terminal] [-- OPTION...]: ./stack reproduce.
// Repeats the run that a report.json tells of: its commit, its plan and its options, in a folder of its own, and says
// whether the same failed. Nothing is published. Needs Node and git only.
import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"

const usage = `Usage: ./stack reproduce REPORT [--terminal] [-- OPTION...]

Repeats the run of a report: REPORT is a report.json, or the folder of a run's artifacts. The same commit is checked out
into a temporary folder, the plan that lies beside the report is replayed, and nothing is published. At the end stands
whether the same tests failed; the exit status is 0 where everything passes now.

  --terminal    then open a shell in the image that failed, with its tests in /stack/tests
  -- OPTION...  further options of the function, such as --registry-username=me --registry-password=env://TOKEN
`

/** Functions that build and test; the others act on a registry, a wiki or a cluster. */
const repeatable = ["build-stack", "test-image"]
/** Options whose effect the plan of a run has in it. */
const decidesPlan = /^--(?:only|full-rebuild|branch|base)(?:=|$)/
const failing = ["failed", "error", "hung", "crashed", "killed"]
const failedOutcomes = ["build-failed", "check-failed", "tests-failed", "over-budget", "publish-failed"]

/** A mistake of the caller, or something that stands in the way: told without a stack trace. */
class Refusal extends Error {}

try {
  process.exitCode = main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof Refusal)) throw error
  say(error.message)
  process.exitCode = 2
}

function main(words) {
  const { path, terminal, more } = readArguments(words)
  if (path === undefined) {
    process.stdout.write(usage)
    return 0
  }
  if (terminal && !process.stdin.isTTY) throw new Refusal("--terminal needs a terminal")
  const { report, plan } = readRun(path)
  const folder = mkdtempSync(join(tmpdir(), "stack-reproduce-"))
  const source = join(folder, "source")
  const out = join(folder, "out")
  try {
    checkOut(report.source, source)
    const call = { stack: stackOf(source), source, out, more }
    const found = repeat(call, report, plan)
    if (terminal) openTerminal(call, report, found)
    return found.ok ? 0 : 1
  } finally {
    rmSync(existsSync(out) ? source : folder, { recursive: true, force: true })
  }
}

function readArguments(words) {
  const end = words.indexOf("--")
  const own = end === -1 ? words : words.slice(0, end)
  const strange = own.find((word) => word.startsWith("-") && !["--terminal", "--help", "-h"].includes(word))
  if (strange !== undefined) throw new Refusal(`unknown option ${strange}\n\n${usage}`)
  const paths = own.filter((word) => !word.startsWith("-"))
  if (own.includes("--help") || own.includes("-h")) return {}
  if (paths.length !== 1) throw new Refusal(`name one report\n\n${usage}`)
  return {
    path: paths[0],
    terminal: own.includes("--terminal"),
    more: end === -1 ? [] : words.slice(end + 1),
  }
}

/** The report, and the path of the plan beside it. */
function readRun(path) {
  const file = existsSync(path) && statSync(path).isDirectory() ? join(path, "report.json") : path
  if (!existsSync(file)) throw new Refusal(`${file} is not there`)
  const report = readReport(file)
  const { function: name } = report.request
  if (!repeatable.includes(name)) {
    const hint = "It is not repeated by itself; try it with --dry-run first:"
    throw new Refusal(
      `this is the report of ${name}, which acts on what others use. ${hint}\n  ${report.reproduce}`,
    )
  }
  if (report.skippedByRequest !== undefined)
    throw new Refusal(`the run did nothing: ${report.skippedByRequest}`)
  const plan = resolve(dirname(file), "plan.json")
  return { report, plan: existsSync(plan) ? plan : undefined }
}

function readReport(file) {
  let report
  try {
    report = JSON.parse(readFileSync(file, "utf8"))
  } catch (error) {
    throw new Refusal(`${file} is no JSON: ${error.message}`)
  }
  if (report?.version !== 1 || report.request === undefined || report.source === undefined)
    throw new Refusal(`${file} is no report of version 1`)
  return report
}

/**
 * A repository of its own: the engine takes in a checkout with its .git, and a worktree's is only a pointer to another
 * folder, as are the objects of a `--shared` clone.
 */
function checkOut({ commit, dirty }, folder) {
  if (commit === undefined)
    throw new Refusal("the report names no commit: the run was not of a git repository")
  const root = git(process.cwd(), "rev-parse", "--show-toplevel")
  if (root === undefined)
    throw new Refusal("this is no git repository: call it in a clone of the run's repository")
  if (!has(root, commit)) {
    say(`fetching ${commit}`)
    git(root, "fetch", "--quiet", "origin", commit)
  }
  if (!has(root, commit)) throw new Refusal(`commit ${commit} is neither in ${root} nor at its origin`)
  if (dirty)
    say("the run had changes that no commit holds: they are not repeated, nor is the plan made for them")
  if (!copyCommit(root, commit, folder))
    throw new Refusal(`commit ${commit} could not be checked out into ${folder}`)
}

/** Fetched by its id: no branch may lead to it any more. The branches come along for what it is compared with. */
function copyCommit(root, commit, folder) {
  const anyCommit = "--upload-pack=git -c uploadpack.allowAnySHA1InWant=true upload-pack"
  const branches = "+refs/heads/*:refs/remotes/origin/*"
  const steps = [
    ["init", "--quiet", "--", folder],
    ["-C", folder, "fetch", "--quiet", "--update-shallow", anyCommit, "--", root, commit, branches],
    ["-C", folder, "checkout", "--quiet", "--detach", commit],
  ]
  return steps.every((step) => git(root, ...step) !== undefined)
}

function has(repository, commit) {
  return spawnSync("git", ["cat-file", "-e", `${commit}^{commit}`], { cwd: repository }).status === 0
}

/** The commit's own module, where the module lies in the same repository. */
function stackOf(source) {
  const own = ["stack", "dagger.json"].every((file) => existsSync(join(source, file)))
  return join(own ? source : dirname(import.meta.dirname), "stack")
}

/** Calls the function again and compares. @returns the new report */
function repeat({ stack, source, out, more }, report, plan) {
  const { function: name, arguments: options } = report.request
  const replayed = plan !== undefined && name === "build-stack" && !report.source.dirty
  const kept = replayed
    ? [...options.filter((option) => !decidesPlan.test(option)), `--plan=${plan}`]
    : options
  const call = [name, `--source=${source}`, ...kept, ...more]
  say(`commit ${report.source.commit}: stack ${call.join(" ")}`)
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
    if (tests.length > 0) return tests.map(({ id }) => `${name}: ${id}`)
    return failedOutcomes.includes(outcome.kind) ? [`${name}: ${outcome.kind}`] : []
  })
}

/** Opens the first image that failed, else the first. One whose build stops half-way is none that could be opened. */
function openTerminal({ stack, source, more }, { request }, { images }) {
  const built = images.filter(({ outcome }) => !["build-failed", "skipped"].includes(outcome.kind))
  const image = built.find(({ outcome }) => failedOutcomes.includes(outcome.kind)) ?? built[0]
  if (image === undefined) {
    const hint = "open the image that it starts from: ./stack shell --source=. --image=... terminal"
    throw new Refusal(`no image was built, so there is none to look into; ${hint}`)
  }
  const set = request.arguments.filter((option) => option.startsWith("--set="))
  const published = image.action === "retest" && image.digest !== undefined
  const login = more.filter((option) => option.startsWith("--registry-"))
  const ref = published ? [`--ref=${image.reference}@${image.digest}`, ...login] : []
  say(`${image.name}: its tests are in /stack/tests`)
  run(stack, ["shell", `--source=${source}`, `--image=${image.name}`, ...set, ...ref, "terminal"])
}

function run(program, words) {
  const { status, error } = spawnSync(program, words, { stdio: "inherit" })
  if (error !== undefined) throw new Refusal(`${program}: ${error.message}`)
  return { status }
}

/** What git printed; undefined where it failed, after it said why. */
function git(cwd, ...words) {
  const { status, stdout, stderr } = spawnSync("git", words, { cwd, encoding: "utf8" })
  if (status === 0) return stdout.trim()
  process.stderr.write(stderr)
  return undefined
}

function say(text) {
  console.error(`reproduce: ${text}`)
}
