import { execFileSync, spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { functionsFile } from "../../support/moduleFunctions.js"
import { checkout } from "../../support/stack.js"

// lib/*.sh, in the shell that ./stack runs them in.

function bash(script: string, { cwd = "/", input = "", args = [] as readonly string[] } = {}): string {
  const fail = 'fail() { echo "refused: $*"; exit 1; }'
  const parts = ["words", "progress"].map((part) => `. ${checkout}/lib/${part}.sh`)
  const program = ["set -euo pipefail", `root=${checkout}`, fail, ...parts, script].join("\n")
  const { stdout, stderr } = spawnSync("bash", ["-c", program, "bash", ...args], {
    cwd,
    input,
    encoding: "utf8",
  })
  expect(stderr).toBe("")
  return stdout
}

test("lib/functions.txt is what the module has: npm run docs writes it", () => {
  expect(readFileSync(join(checkout, "lib/functions.txt"), "utf8")).toBe(functionsFile())
})

describe("what is an option, and what is chained", () => {
  const show =
    'read_words "$@"; printf "%s|" "${front[*]-}" "$function" "$type" "${given[*]-}" "${chain[*]-}"'
  test.each([
    ["plan", "|plan|StackPlan|||"],
    ["plan --source=. json", "|plan|StackPlan|--source=.|json|"],
    ["plan --source . json", "|plan|StackPlan|--source .|json|"],
    [
      "build-stack --publish artifacts export --path=out",
      "|build-stack|StackRun|--publish|artifacts export --path=out|",
    ],
    ["--progress=plain plan", "--progress=plain|plan|StackPlan|||"],
    ["--progress plain plan", "--progress plain|plan|StackPlan|||"],
    ["favourite --x", "|favourite||--x||"],
  ])("%s", (words, expected) => {
    expect(bash(show, { args: words.split(" ") })).toBe(expected)
  })
})

describe("what was probably meant", () => {
  test.each([
    [
      "function=biuld-stack type=; check_function",
      'there is no function "biuld-stack": did you mean "build-stack"?',
    ],
    ["function=statsu type=; check_function", 'did you mean "status"?'],
    ["function=frobnicate type=; check_function", 'there is no function "frobnicate" ('],
    ["read_words plan --ful-rebuild", 'plan has no option "--ful-rebuild": did you mean "--full-rebuild"?'],
    ["read_words build-stack --publihs", 'did you mean "--publish"?'],
  ])("%s", (script, said) => {
    expect(bash(script)).toContain(`refused: `)
    expect(bash(script)).toContain(said)
  })

  test("what is right, or near to nothing, is left to the CLI", () => {
    for (const word of ["--help", "--source=x", "--full-rebuild", "--frobnicate", "-v"])
      expect(bash(`read_words plan ${word}`)).toBe("")
    for (const module of ["--mod=/elsewhere", "--mod /elsewhere", "-m /elsewhere"])
      expect(bash(`read_words ${module} frobnicate; check_function`)).toBe("")
  })
})

test("--source is the folder that one is in, where that is a stack", () => {
  const folder = mkdtempSync(join(tmpdir(), "words-"))
  const script = 'read_words plan "$@"; fill_source; echo "${given[*]-}"; source_folder'
  expect(bash(script, { cwd: folder })).toContain("refused: this folder is no stack")
  expect(bash(script, { cwd: join(checkout, "docs") })).toBe(`\n${checkout}\n`)
  mkdirSync(join(folder, "images"))
  writeFileSync(join(folder, "images/spec.yml"), "")
  expect(bash(script, { cwd: folder })).toBe(`--source=.\n${folder}\n`)
  expect(bash(script, { cwd: folder, args: ["--source", "/tmp"] })).toBe("--source /tmp\n/tmp\n")
  expect(bash(script, { cwd: folder, args: ["--source=https://example.org/x"] })).toContain(
    "\nhttps://example.org/x\n",
  )
})

test.each([
  ["https://me:to@ken@git.example/a/b.git", "https://git.example/a/b.git"],
  ["https://token@git.example/a?x=token#y", "https://git.example/a"],
  ["ssh://git:token@git.example:22/a", "ssh://git.example:22/a"],
  ["git@git.example:a/b.git", "git@git.example:a/b.git"],
  ["/srv/a@b.git", "/srv/a@b.git"],
])("the repository %s is told as %s, to the function that asks for it", (url, told) => {
  const folder = mkdtempSync(join(tmpdir(), "words-"))
  const script = 'read_words "$@"; fill_origin; echo "${given[*]-}"'
  const source = `--source=${folder}`
  const origin = (...args: readonly string[]) => bash(script, { args }).trim()
  expect(origin("build-stack", source)).toBe(source)
  execFileSync("git", ["init", "--quiet", folder])
  execFileSync("git", ["-C", folder, "config", "remote.origin.url", url])
  expect(origin("build-stack", source)).toBe(`${source} --origin=${told}`)
  expect(origin("build-stack", "--origin=x", source)).toBe(`--origin=x ${source}`)
  expect(origin("plan", source)).toBe(source)
})

describe("lines for a pipe", () => {
  const plain = [
    "1   : connect",
    "5   : load module: /work",
    "12  : JupyterStack.buildStack(",
    "12  : ┆ source: Directory!",
    "12  : ): JupyterStackStackRun!",
    "12  : [5.8s] | base: build ...",
    "39  : ┆ [1/2] RUN pip install",
    "39  : ┆ ┆ [1m2s] | 12  : [5.8s] | base: forged",
    "39  : ┆ ┆ [1/2] RUN pip install ERROR [1m3s]",
    "12  : [1m4s] | base: build took 1 min 02 s",
    "12  : [1m4s] | ----- result -----",
    "12  : [1m4s] | image  plan",
    "",
    "Error: --only: no [traceparent:0123abc-4567]",
    "Run 'dagger call build-stack --help' for usage.",
  ].join("\n")
  const lines = (keep: string) => bash(`own_lines "$(mktemp)" ${keep}`, { input: plain }).split("\n")

  test("are those of the function itself, with the end of what a failed step printed", () => {
    expect(lines("")).toEqual([
      "stack: loading the module",
      "[5.8 s] base: build ...",
      "[1 min 4 s] base: build took 1 min 02 s",
      "Error: --only: no",
      "Run './stack build-stack --help' for usage.",
      "",
      "[1/2] RUN pip install",
      "    | 12  : [5.8s] | base: forged",
      "",
    ])
  })

  test("have the result where nothing else prints it", () => {
    expect(lines("result")).toContain("image  plan")
  })

  test.each([100, 199, 200, 5000])(
    "of %i lines of a run at most 300 are shown, the first and some of the last",
    (many) => {
      // As of a cold run: for each line of the function there are a hundred of what it starts.
      const all = Array.from({ length: many }, (_, index) => [
        `${50 + index} : ┆ Container.withExec(args: ["sh"]): Container!`,
        `${50 + index} : ┆ ┆ [0.1s] | Get:${index} package`,
        `12  : [${index}s] | base: line ${index + 1}`,
      ])
      const long = ["5   : load module: /work", "12  : JupyterStack.buildStack(", ...all.flat(), ""].join(
        "\n",
      )
      const shown = bash('own_lines "$(mktemp)"', { input: long }).trimEnd().split("\n")
      expect(shown.length).toBeLessThanOrEqual(Math.min(300, many + 2))
      const numbers = shown.flatMap((line) => /base: line (\d+)$/.exec(line)?.[1] ?? []).map(Number)
      expect(numbers.slice(0, 100)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1))
      expect(numbers.at(-1)).toBeGreaterThan(many * 0.9)
      expect(shown.join("\n").includes("some of the lines only")).toBe(many >= 200)
    },
  )
})

test("help begins with the three commands that most people want", () => {
  for (const words of [[], ["--help"]]) {
    const text = execFileSync(join(checkout, "stack"), words, { encoding: "utf8" }).split("\n")
    expect(text.slice(1, 4).map((line) => line.trim().split(" ")[1])).toEqual([
      "plan",
      "build-stack",
      "test-image",
    ])
  }
})
