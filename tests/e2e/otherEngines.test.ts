import { once } from "node:events"
import { connect, createServer } from "node:net"
import type { AddressInfo, Server } from "node:net"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { stackFiles } from "../support/source.js"
import type { Ended } from "../support/stack.js"
import { checkout, removeFolder, run, stack, workspace } from "../support/stack.js"

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

beforeAll(async () => {
  folder = await workspace(stackFiles({ alone: {} }))
  address = (await withEngine('printf %s "$_EXPERIMENTAL_DAGGER_RUNNER_HOST"')).stdout
})
afterAll(() => removeFolder(folder))

describe("an engine elsewhere", () => {
  let relay: Server
  let port: number

  beforeAll(async () => {
    relay = createServer((client) => {
      const engine = connect(address.replace("unix://", ""))
      client.pipe(engine).pipe(client)
      // Either side may end at any time, as on a network.
      for (const socket of [client, engine]) socket.on("error", () => socket.destroy())
    }).listen(0, "127.0.0.1")
    await once(relay, "listening")
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
})
