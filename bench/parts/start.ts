import { cp, mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { Files } from "../../tests/support/source.js"
import { checkout, removeFolder, run, workspace } from "../../tests/support/stack.js"
import { formatSeconds, inTurns, median } from "../measure.js"
import type { BenchPart, Section, Settings } from "../part.js"
import { atMost } from "../part.js"
import { emptyModule } from "./calls.js"

/** Milliseconds above an empty call that a call may take in which nothing is to be done. */
const limit = 2500

/** Functions of the module in one `./stack build-stack`, each of them a process; its result is data (calls/stackRun.ts). */
const processes = 1

/** What `build-stack` loads when it is called. */
const calledFile = "lib/calls/buildStack.ts"

/** Milliseconds of what a process does before the function's work begins (officialStart.mjs). */
interface Start {
  readonly node: number
  readonly client: number
  readonly load: number
  readonly scan: number
  /** Loading of what the function needs. */
  readonly call: number
  /** Of processor time, all of it. */
  readonly cpu: number
}

/** The library that the official SDK takes from npm; the bench's own copy is the one that the module is checked with. */
const library = join(checkout, "dagger/node_modules/@dagger.io/dagger")

/**
 * What each process costs where the official TypeScript SDK starts the module: it does so for every function of a chain.
 * Without an engine: not the same, but in the same direction.
 */
export const start: BenchPart = {
  name: "start",
  summary: "starting the module as the official SDK does, without an engine",
  needsEngine: false,
  run: async function* (settings) {
    const empty = await layOut({ ...emptyModule, "package.json": await emptyPackage() })
    const own = await layOut({})
    try {
      for (const name of ["src", "lib"]) {
        await cp(join(checkout, "dagger", name), join(own, name), { recursive: true })
      }
      for (const name of ["package.json", "package-lock.json"]) {
        await cp(join(checkout, "dagger", name), join(own, name))
      }
      for (const folder of [own, empty]) await installed(folder)
      yield await measure(settings, own, empty)
    } finally {
      await removeFolder(own)
      await removeFolder(empty)
    }
  },
}

/** An empty module needs tsx as well: the SDK brings its own. */
async function emptyPackage(): Promise<string> {
  const { stdout } = await run("node", ["-p", "require('./package.json').dependencies.tsx"], {
    cwd: join(checkout, "dagger"),
  })
  return JSON.stringify({ name: "empty", type: "module", dependencies: { tsx: stdout.trim() } })
}

/** A module's folder with the client beside it, as the SDK lays it out. */
async function layOut(files: Files): Promise<string> {
  const folder = await workspace(files, { git: false })
  await cp(join(checkout, "dagger/tsconfig.json"), join(folder, "tsconfig.json"))
  await mkdir(join(folder, "sdk"))
  await mkdir(join(folder, "client"))
  for (const [name, path] of [
    ["index.ts", "index.js"],
    ["telemetry.ts", "telemetry/index.js"],
  ] as const) {
    await writeFile(join(folder, "sdk", name), `export * from "${library}/dist/src/${path}"\n`)
  }
  // The scanner knows the client's types by this name.
  await cp(join(library, "dist/src/api/client.gen.js"), join(folder, "client/client.gen.ts"))
  return folder
}

async function installed(folder: string): Promise<void> {
  const args = ["install", "--omit=dev", "--no-audit", "--no-fund"]
  const ended = await run("npm", args, { cwd: folder })
  if (ended.status !== 0) throw new Error(`npm install: ${ended.stderr}`)
}

async function begin(folder: string, name: string, called: readonly string[]): Promise<Start> {
  const program = join(checkout, "bench/officialStart.mjs")
  const ended = await run(
    join(folder, "node_modules/.bin/tsx"),
    ["--tsconfig", join(folder, "tsconfig.json"), program, library, ...called],
    // Every call is in a container of its own: nothing is transpiled yet.
    { cwd: folder, env: { MODULE_NAME: name, TSX_DISABLE_CACHE: "1" } },
  )
  if (ended.status !== 0) throw new Error(`the module of ${folder} did not start: ${ended.stderr}`)
  return JSON.parse(ended.stdout) as Start
}

async function measure({ repeats, say }: Settings, own: string, empty: string): Promise<Section> {
  say(`${repeats} rounds of starts ...`)
  const starts = await inTurns(repeats, {
    "an empty module": () => begin(empty, "empty", []),
    "this module": () => begin(own, "jupyter-stack", [calledFile]),
  })
  const begun = ({ node, client, load, scan }: Start) => node + client + load + scan
  const sum = (each: Start) => begun(each) + each.call
  const medianOf = (name: keyof typeof starts, figure: (start: Start) => number) =>
    median(starts[name].map(figure))
  const above = medianOf("this module", sum) - medianOf("an empty module", sum)
  const columns = [
    ({ node }: Start) => node,
    ({ client }: Start) => client,
    ({ load }: Start) => load,
    ({ scan }: Start) => scan,
    ({ call }: Start) => call,
    sum,
    ({ cpu }: Start) => cpu,
  ]
  return {
    title: "A start of the module, as the official TypeScript SDK does it",
    header: [
      "process of",
      "node, tsx",
      "client",
      "import sources",
      "scan sources",
      "load the call",
      "all",
      "processor",
    ],
    rows: (["an empty module", "this module"] as const).map((name) => [
      name,
      ...columns.map((figure) => formatSeconds(medianOf(name, figure))),
    ]),
    notes: [
      `\`./stack build-stack\` and \`plan\` are ${String(processes)} process of the module. With a function of the result behind ` +
        `it, such as \`sync\`, which plain \`dagger call build-stack\` calls, it is one more: ${formatSeconds(medianOf("this module", begun))}.`,
    ],
    goals: [
      atMost("`build-stack` above an empty call, without its work", processes * above, limit, formatSeconds),
    ],
  }
}
