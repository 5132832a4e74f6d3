import { readFile, readdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { hasPlainTools, plainTools } from "../../support/plainTools.js"
import { stackFiles } from "../../support/source.js"
import { checkout, removeFolder, run, workspace } from "../../support/stack.js"

// With Docker, `./stack` runs on any laptop: on a Mac's bash 3.2 and tools, and with busybox.

/** Constructs that bash 3.2 does not know, or takes for something else. */
const newerBash: readonly (readonly [what: string, pattern: RegExp])[] = [
  ["a pattern list in [[ ]] (4.1)", /\[\[[^\]]*[@!+*?]\([^)]*\|[^)]*\)/],
  ["associative arrays (4.0)", /\b(?:declare|local|typeset|readonly) -[a-z]*A/],
  ["namerefs (4.3)", /\b(?:declare|local|typeset) -[a-z]*n\b/],
  ["mapfile (4.0)", /\b(?:mapfile|readarray)\b/],
  ["coproc (4.0)", /\bcoproc\b/],
  ["case modification (4.0) or @Q (4.4)", /\$\{\w+(?:\[[^\]]*\])?(?:,,?|\^\^?|@[A-Za-z])\}/],
  ["a named file descriptor (4.1)", /\{\w+\}[<>]/],
  ["&>> (4.0)", /&>>/],
  ["|& (4.0)", /\|&/],
  [";& or ;;& (4.0)", /;;?&/],
  ["the time by printf (4.2)", /printf [^|;]*%\(/],
  ["[[ -v (4.2)", /\[\[ (?:! )?-v /],
  ["wait -n (4.3)", /\bwait -n\b/],
  ["a negative index (4.3)", /\$\{\w+\[-/],
  ["EPOCHSECONDS, BASHPID, SRANDOM", /\b(?:EPOCHSECONDS|EPOCHREALTIME|BASHPID|SRANDOM)\b/],
  ["read with a fraction of a second (4.0)", /\bread\b[^;|]* -[a-z]*t ?[0-9]*\.[0-9]/],
  ["globstar (4.0)", /\bshopt -s \w*(?:globstar|lastpipe|inherit_errexit)/],
]

/** Arrays that always have a word: an empty one is "unbound" before bash 4.4. */
const neverEmpty = new Set(["bounded", "words", "last", "current", "missing"])

/** What is not in POSIX, so that a Mac or busybox may lack it. */
const foreignTools: readonly (readonly [what: string, pattern: RegExp])[] = [
  [
    "a program of GNU or Linux alone",
    /(?:^|[|&;(!] *|\b(?:then|do|else) )(?:timeout|pgrep|pkill|flock|sha256sum|md5sum|realpath|tac|shuf|numfmt|nproc)\b/,
  ],
  ["readlink -f", /\breadlink -[a-z]/],
  [
    "a long option of a tool",
    /(?:^|[|;&(] *)(?:tail|head|sort|cut|mktemp|xargs|rm|cp|mv|mkdir|ls|df|du|stat|date|find|cksum|od|tr|awk|sed|grep|basename|dirname|cat)\b[^|;&)#"]* --[a-z]/,
  ],
  ["sed -i, grep -P, date -d, stat -c", /\bsed -i|\bgrep -[a-zA-Z]*P|\bdate -d|\bstat -c/],
  ["tail -N", /\btail -[0-9]/],
]

/** Lines of a script that are program: neither comment nor the text of the usage. */
async function programLines(path: string): Promise<readonly (readonly [place: string, line: string])[]> {
  const text = await readFile(join(checkout, path), "utf8")
  const withoutHelp = text.replace(/<<'TEXT'\n[\s\S]*?\nTEXT\n/, (help) =>
    "\n".repeat(help.split("\n").length - 1),
  )
  return withoutHelp
    .split("\n")
    .map((line, index) => [`${path}:${String(index + 1)}`, line.replace(/^\s*#.*|\s# .*$/, "")] as const)
}

async function found(
  paths: readonly string[],
  rules: readonly (readonly [string, RegExp])[],
): Promise<readonly string[]> {
  const lines = (await Promise.all(paths.map(programLines))).flat()
  return lines.flatMap(([place, line]) =>
    rules.filter(([, pattern]) => pattern.test(line)).map(([what]) => `${place}: ${what}: ${line.trim()}`),
  )
}

const libraries = (await readdir(join(checkout, "lib"))).filter((name) => name.endsWith(".sh"))
/** All that is read with Docker. */
const scripts = ["stack", ...libraries.map((name) => `lib/${name}`)]
/** Functions of these run on the provisioned engine alone. */
const forLaptops = scripts.filter((path) => path !== "lib/tests.sh")

describe("./stack is written for", () => {
  test("bash 3.2", async () => {
    expect(await found(scripts, newerBash)).toEqual([])
    const lines = (await Promise.all(scripts.map(programLines))).flat()
    const unguarded = lines.flatMap(([place, line]) =>
      [...line.replaceAll(/\$\{(\w+)\[@\]\+"\$\{\1\[@\]\}"\}/g, "").matchAll(/\$\{(\w+)\[@\]\}/g)]
        .filter(([, name = ""]) => !neverEmpty.has(name))
        .map(([text]) => `${place}: ${text}`),
    )
    expect(unguarded).toEqual([])
  })

  test("the tools of POSIX", async () => {
    expect(await found(forLaptops, foreignTools)).toEqual([])
  })

  test("the lists know what they are for", async () => {
    const folder = await workspace({}, { git: false })
    await writeFile(join(folder, "bad.sh"), "[[ $a != x@(b|c) ]]\nexec {pause}<> <(:)\nprintf '%(%T)T' -1\n")
    const lines = (await readFile(join(folder, "bad.sh"), "utf8")).trim().split("\n")
    for (const line of lines) expect(newerBash.some(([, pattern]) => pattern.test(line))).toBe(true)
    for (const line of ["timeout 3 x", "x | sort --key=1", "readlink -f x"])
      expect(foreignTools.some(([, pattern]) => pattern.test(line))).toBe(true)
    await removeFolder(folder)
  })
})

/** A dagger that does what the CLI does for `export`, `napping` what takes long. */
const fakeDagger = `#!/bin/sh
echo "$*" >>"$FAKE/calls"
case " $* " in
  *" napping "*) exec sleep 60 ;;
esac
for word in "$@"; do
  case $word in
    --path=*)
      mkdir -p "\${word#--path=}/.screen"
      echo 0 >"\${word#--path=}/.screen/status"
      echo "the result" >"\${word#--path=}/.screen/text" ;;
  esac
done
`

describe.skipIf(!hasPlainTools)("with busybox and dash, ./stack", () => {
  let folder: string
  let bin: string

  beforeAll(async () => {
    folder = await workspace({ ...stackFiles({ base: {} }) })
    bin = await plainTools(folder, fakeDagger)
  })
  afterAll(() => removeFolder(folder))

  const call = (args: readonly string[], more: Readonly<Record<string, string>> = {}) => {
    const env = {
      PATH: bin,
      FAKE: folder,
      HOME: folder,
      XDG_STATE_HOME: join(folder, "state"),
      STACK_ENGINE: "",
      ...more,
    }
    return run(join(folder, ".stack"), args, {
      cwd: folder,
      env: { _EXPERIMENTAL_DAGGER_RUNNER_HOST: "", ...env },
      timeout: 60_000,
    })
  }

  test("calls a function on Docker's engine, and shows and keeps its result", async () => {
    const ended = await call(["build-stack", "--only=base"])
    expect(ended.stderr).toContain("engine: dagger's own, in docker")
    expect(ended).toMatchObject({ status: 0, stdout: "the result\n" })
    const calls = await readFile(join(folder, "calls"), "utf8")
    expect(calls).toContain(
      `call --mod ${checkout} --progress=plain build-stack --only=base --source=. --screen=0,plain,${join(folder, "state/stack")}/`,
    )
  })

  test("lists functions, and tells a slip", async () => {
    expect((await call(["functions"])).status).toBe(0)
    expect((await call(["build-stak"])).stderr).toContain('did you mean "build-stack"?')
    expect((await call(["--help"])).stdout).toContain("./stack plan")
  })

  test("ends a call whose time is over", async () => {
    const ended = await call(["build-stack", "--branch", "napping"], { STACK_TIMEOUT: "2s" })
    expect(ended.status).not.toBe(0)
    expect(ended.stderr).toContain("stack: given up after 2s (STACK_TIMEOUT)")
  })

  test("says what a time limit is", async () => {
    const ended = await call(["plan"], { STACK_TIMEOUT: "3 hours" })
    expect(ended.status).toBe(1)
    expect(ended.stderr).toContain(
      'STACK_TIMEOUT must be a whole number with s, m, h or d behind it, such as 90m, not "3 hours"',
    )
  })
})
