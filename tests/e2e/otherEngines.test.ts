import { once } from "node:events"
import { connect, createServer } from "node:net"
import type { AddressInfo, Server, Socket } from "node:net"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest"
import { startGitServer } from "../support/gitServer.js"
import { stackFiles } from "../support/source.js"
import type { Ended } from "../support/stack.js"
import { checkout, commitAll, removeFolder, run, stack, workspace } from "../support/stack.js"

// Engines that ./stack has not provisioned, and callers that have no ./stack. The engine of the tests stands in for them:
// it is reached in another way.

/** Address of the tests' engine: `unix:///...`. */
let address: string
let folder: string

/** Runs a script whose environment is that of `./stack engine env`, in the folder of a stack. */
function withEngine(script: string): Promise<Ended> {
  const whole = `eval "$('${checkout}/engine/engine.sh' env)"; ${script}`
  return run("bash", ["--norc", "-c", whole], { cwd: folder })
}

/** Passes on what is sent to an address. */
async function relayTo(target: () => Socket, port: number, host: string): Promise<Server> {
  const relay = createServer((client) => {
    const other = target()
    client.pipe(other).pipe(client)
    // Either side may end at any time, as on a network.
    for (const socket of [client, other]) socket.on("error", () => socket.destroy())
  }).listen(port, host)
  await once(relay, "listening")
  return relay
}

beforeAll(async () => {
  folder = await workspace(stackFiles({ alone: {} }))
  address = (await withEngine('printf %s "$_EXPERIMENTAL_DAGGER_RUNNER_HOST"')).stdout
})
afterAll(() => removeFolder(folder))

describe("an engine elsewhere", () => {
  let relay: Server
  let port: number

  beforeAll(async () => {
    relay = await relayTo(() => connect(address.replace("unix://", "")), 0, "127.0.0.1")
    port = (relay.address() as AddressInfo).port
  })
  afterAll(() => {
    relay.close()
  })

  test("is used by its tcp address", async () => {
    const { stdout: path } = await withEngine('printf %s "$PATH"')
    const remote = `tcp://127.0.0.1:${String(port)}`
    const ended = await stack(["plan"], {
      cwd: folder,
      env: { STACK_ENGINE: "", PATH: path, _EXPERIMENTAL_DAGGER_RUNNER_HOST: remote },
    })
    expect(ended).toMatchObject({ status: 0 })
    expect(ended.stderr).toContain(`stack: engine: ${remote} (_EXPERIMENTAL_DAGGER_RUNNER_HOST), CLI: `)
    expect(ended.stdout).toContain("alone  build")
  })
})

describe("plain dagger", () => {
  test("calls the module by the path of its checkout, with the stack of the caller's folder", async () => {
    const ended = await withEngine(`dagger --silent -m '${checkout}' call plan --source=. markdown`)
    expect(ended).toMatchObject({ status: 0 })
    expect(ended.stdout).toContain("alone")
    expect(ended.stdout).not.toContain("datascience-notebook")
  })

  test("calls the module by the git address of its repository, at a branch", async () => {
    const address = await servedModule()
    const ended = await withEngine(`dagger --silent -m '${address}@released' call plan --source=. markdown`)
    expect(ended).toMatchObject({ status: 0 })
    expect(ended.stdout).toContain("### alone")
    expect(ended.stdout).not.toContain("datascience-notebook")
  })
})

/**
 * The address of a git server that has this checkout's module on a branch `released`, and nothing else of it. It is of
 * this machine alone, and at port 80: the engine leaves the port of an address out (0.19.10).
 */
async function servedModule(): Promise<string> {
  const host = "127.0.0.77"
  const server = await startGitServer({ user: "git", token: "none", publicReads: true })
  const relay = await relayTo(() => connect(server.port, "127.0.0.1"), 80, host)
  const module = await workspace({}, { git: false })
  onTestFinished(async () => {
    relay.close()
    await server.stop()
    await removeFolder(module)
  })
  server.create("stack.git", { branch: "main" })
  await run("cp", ["-r", join(checkout, "dagger.json"), join(checkout, "dagger"), module], { cwd: module })
  await Promise.all(["node_modules", "sdk"].map((name) => removeFolder(join(module, "dagger", name))))
  await commitAll(module, "module", { init: true })
  await run("git", ["push", "--quiet", join(server.dir, "stack.git"), "main:released"], { cwd: module })
  return `http://${host}/stack.git`
}
