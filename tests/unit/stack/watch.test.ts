import { existsSync } from "node:fs"
import { mkdir, readFile, rename, rm, utimes, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { hasPlainTools, plainTools, program } from "../../support/plainTools.js"
import { stackFiles } from "../../support/source.js"
import type { RunningProgram } from "../../support/stack.js"
import { checkout, commitAll, removeFolder, run, start, workspace } from "../../support/stack.js"

// `test-image --watch` with a stand-in of the CLI: which saves make a run, and how it ends.

/** Exports a verdict that the file `verdict` has; as long as `slow` is there it takes its time; `broken` is bad input. */
const fakeDagger = `#!/bin/sh
echo "$*" >>"$FAKE/calls"
while test -e "$FAKE/slow"; do sleep 0.1; done
if test -e "$FAKE/broken"; then echo "spec.yml:3:1: this is not understood" >&2; exit 1; fi
for word in "$@"; do
  case $word in
    --path=*)
      mkdir -p "\${word#--path=}/.screen"
      cat "$FAKE/verdict" >"\${word#--path=}/.screen/status"
      echo "result" >"\${word#--path=}/.screen/text" ;;
  esac
done
`

const tests = "images/base/test"

describe.each([
  ["the tools of this machine", true],
  ["busybox and dash", hasPlainTools],
])("test-image --watch with %s", (tools, there) => {
  let folder = ""
  let state = ""
  let env: Record<string, string> = {}
  let watching: RunningProgram

  beforeAll(async () => {
    if (!there) return
    folder = await workspace({ ...stackFiles({ base: {} }), ".gitignore": "*.log\n" })
    state = await workspace({ verdict: "0" }, { git: false })
    await mkdir(join(folder, tests), { recursive: true })
    await writeFile(join(folder, tests, "test_it.py"), "")
    await commitAll(folder, "tests")
    const plain = tools.startsWith("busybox")
    const bin = await (plain ? plainTools(state, fakeDagger) : ownTools(state))
    const path = plain ? `${bin}:${await gitAlone(state)}` : `${bin}:${process.env.PATH ?? ""}`
    env = { PATH: path, FAKE: state, HOME: state, XDG_STATE_HOME: join(state, "state"), STACK_ENGINE: "" }
    env._EXPERIMENTAL_DAGGER_RUNNER_HOST = ""
    watching = start(join(checkout, "stack"), ["test-image", "--image=base", "--watch"], { cwd: folder, env })
    await expectRuns(1)
  })
  afterAll(async () => {
    if (!there) return
    watching.signal("SIGINT")
    await removeFolder(folder)
    await removeFolder(state)
  })

  const runs = async () =>
    existsSync(join(state, "calls"))
      ? (await readFile(join(state, "calls"), "utf8")).trim().split("\n").length
      : 0

  /** That so many runs have ended by now, and no more have begun milliseconds later. */
  async function expectRuns(count: number, still = 300): Promise<void> {
    const told = () => watching.stderr().split("waiting for the next save").length - 1
    for (let waited = 0; told() < count && waited < 15_000; waited += 100) await sleep(100)
    await sleep(still)
    expect([await runs(), told()], watching.stderr().slice(-1500)).toEqual([count, count])
  }

  const path = (name: string) => join(folder, tests, name)
  const said = () => watching.stderr().trimEnd().split("\n").slice(-2, -1)[0] ?? ""

  test.runIf(there)(
    "a run for each save, whatever the editor does, and none for what is no save",
    { timeout: 120_000 },
    async () => {
      expect(await readFile(join(state, "calls"), "utf8")).toMatch(
        / test-image --image=base --source=\. --remembered --screen=\S+ shown /,
      )
      let count = 1
      /** What is done, and the files that are named; none where nothing is to run. */
      const table: readonly (readonly [what: string, () => Promise<unknown>, RegExp | undefined])[] = [
        [
          "a save",
          () => writeFile(path("test_it.py"), "1"),
          /saved before it: images\/base\/test\/test_it\.py$/,
        ],
        [
          "one of the same length in the same inode",
          () => writeFile(path("test_it.py"), "2"),
          /test_it\.py$/,
        ],
        [
          "several at once",
          async () => {
            for (const name of ["test_a.py", "test_b.py", "test_c.py"]) {
              await writeFile(path(name), "")
              await sleep(250)
            }
          },
          /saved before it: images\/base\/test\/test_a\.py and 2 more$/,
        ],
        [
          "an older file that is renamed over it",
          async () => {
            await writeFile(join(state, "older"), "2")
            await utimes(join(state, "older"), 1e9, 1e9)
            await rename(join(state, "older"), path("test_it.py"))
          },
          /test_it\.py$/,
        ],
        [
          "an editor that writes beside it and renames",
          async () => {
            await writeFile(path(".test_it.py.swp"), "")
            await writeFile(path("4913"), "")
            await rm(path("4913"))
            await rename(path("test_it.py"), path("test_it.py~"))
            await writeFile(path("test_it.py"), "4")
            await rm(path("test_it.py~"))
          },
          /saved before it: images\/base\/test\/test_it\.py$/,
        ],
        ["one that is deleted", () => rm(path("test_c.py")), /test_c\.py$/],
        [
          "the spec",
          () => writeFile(join(folder, "spec.yml"), "images: {}\n"),
          /saved before it: spec\.yml$/,
        ],
        [
          "what editors, Python and git leave",
          async () => {
            await writeFile(path(".test_it.py.swp"), "2")
            await writeFile(path("test_it.py~"), "2")
            await writeFile(path("run.log"), "2")
            await mkdir(path("__pycache__"))
            await writeFile(path("__pycache__/test_it.cpython-311.pyc"), "")
            await writeFile(join(folder, "README"), "")
            await run("git", ["commit", "--quiet", "--allow-empty", "--message=x"], { cwd: folder })
          },
          undefined,
        ],
        [
          "what is gone again at once",
          async () => {
            await writeFile(path("sedAbc"), "")
            await rm(path("sedAbc"))
          },
          undefined,
        ],
      ]
      for (const [what, act, named] of table) {
        await act()
        if (named !== undefined) count += 1
        await expectRuns(count, named === undefined ? 2000 : undefined)
        if (named !== undefined) expect(said(), what).toMatch(named)
      }
    },
  )

  test.runIf(there)(
    "verdicts beside those of before, bad input, a save meanwhile, and Ctrl-C",
    { timeout: 120_000 },
    async () => {
      let count = await runs()
      // Of one length: what find knows of time alone must do.
      const save = async () => writeFile(path("test_it.py"), Math.random().toFixed(9))
      for (const [verdict, text] of [
        ["1", "not good any more"],
        ["1", "still not good"],
        ["0", "good again"],
        ["0", "still good"],
      ] as const) {
        await writeFile(join(state, "verdict"), verdict)
        await save()
        await expectRuns((count += 1))
        expect(watching.stderr()).toMatch(
          new RegExp(`^stack: run ${count}, \\d\\d:\\d\\d:\\d\\d, took \\d+ s: ${text}$`, "m"),
        )
      }
      await writeFile(join(state, "broken"), "")
      await save()
      await expectRuns((count += 1))
      expect(watching.stderr()).toContain("spec.yml:3:1: this is not understood\n")
      await rm(join(state, "broken"))
      // While it runs, twice: one run more.
      await writeFile(join(state, "slow"), "")
      await save()
      for (let waited = 0; (await runs()) === count && waited < 10_000; waited += 100) await sleep(100)
      await save()
      await sleep(300)
      await save()
      await rm(join(state, "slow"))
      await expectRuns((count += 2))
      watching.signal("SIGINT")
      const ended = await watching.ended
      expect([ended.status, ended.stderr.trimEnd().split("\n").at(-1)]).toEqual([
        130,
        "stack: watching has ended; ./stack last test-image shows the last result again",
      ])
      expect(ended.stdout.split("result\n")).toHaveLength(count)
    },
  )

  test.runIf(there).each([
    [["plan", "--watch"], "--watch goes with test-image: plan is called once"],
    [["test-image", "--image=base", "--watch=no"], "--watch takes no value"],
    [["test-image", "--image=base", "--wacth"], 'did you mean "--watch"?'],
    [["test-image", "--image=base", "--watch", "summary"], "nothing can be chained to it"],
    [["test-image", "--watch", "--source=https://x.test/y"], "--source names none: https://x.test/y"],
  ])("%j is refused", async (args, message) => {
    const ended = await run(join(checkout, "stack"), args, { cwd: folder, env })
    expect([ended.status, ended.stderr]).toEqual([1, expect.stringContaining(message)])
  })
})

async function ownTools(folder: string): Promise<string> {
  const bin = join(folder, "bin")
  await mkdir(bin)
  await program(join(bin, "dagger"), fakeDagger)
  await program(join(bin, "docker"), "#!/bin/sh\n")
  return bin
}

/** Git, which every laptop with a checkout has, and nothing beside it. */
async function gitAlone(folder: string): Promise<string> {
  const bin = join(folder, "git")
  await mkdir(bin)
  await program(join(bin, "git"), '#!/bin/sh\nexec /usr/bin/git "$@"\n')
  return bin
}
