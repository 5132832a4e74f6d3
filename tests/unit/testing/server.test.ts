import { execFileSync, spawn } from "node:child_process"
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import type { Socket } from "node:net"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { serverLogText, serverLogTexts, serverScript } from "../../../dagger/lib/engine/serverLog.js"
import { serverPort } from "../../../dagger/lib/testing/serverPort.js"
import type { TestRun } from "../../../dagger/lib/testing/testRun.js"
import { parseTestRun } from "../../../dagger/lib/testing/testRun.js"
import { takeAcross } from "../../../dagger/tools/border.js"

let root = ""
let log = ""

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "server-"))
  log = join(root, "log")
  mkdirSync(log)
})

afterEach(() => {
  rmSync(root, { recursive: true, force: true })
})

/** Runs a command as an image's server runs, until its exit status is known; its log as a report has it. */
async function served(command: string): Promise<{ readonly text: string; readonly left: readonly string[] }> {
  const server = spawn("sh", ["-c", serverScript(log), "server", "bash", "-c", command], {
    detached: true,
    stdio: "ignore",
  })
  try {
    for (let tries = 0; tries < 200 && !existsSync(join(log, "exit")); tries += 1) await sleep(100)
    // The last part is written when the exit status is already there.
    await sleep(300)
    const orders = { mostFiles: 1, mostBytes: 1, mostBytesTogether: 1, seconds: 5, empty: false }
    const answer = takeAcross(log, join(root, "taken"), { ...orders, texts: serverLogTexts })
    const texts = answer.texts.map(
      (name) => [name, readFileSync(join(root, "taken/texts", name), "utf8")] as const,
    )
    return {
      text: serverLogText(new Map(texts)),
      left: answer.left.map(({ path, why }) => `${path}: ${why}`),
    }
  } finally {
    if (server.pid !== undefined) process.kill(-server.pid, "SIGKILL")
  }
}

function bytesOfLog(): number {
  return readdirSync(log).reduce((sum, name) => sum + statSync(join(log, name)).size, 0)
}

describe("a server's log", () => {
  test("is what it printed, on both streams", async () => {
    expect(await served("echo one; echo two >&2; echo three; exit 3")).toEqual({
      text: "one\ntwo\nthree\n",
      left: [],
    })
    expect(readFileSync(join(log, "exit"), "utf8")).toBe("3\n")
  })

  test("has the start and the end of a flood, and says what is between", async () => {
    const { text } = await served(
      "echo the start; head -c 300000000 /dev/zero | tr '\\0' x; echo; echo the end",
    )
    expect(text.startsWith("the start\nxxx")).toBe(true)
    expect(text.endsWith("xxx\nthe end\n")).toBe(true)
    expect(text).toMatch(/\n\[\.\.\. left out: \d\d parts, each of 1024 writes of the server \.\.\.\]\n/)
    expect(text.length).toBeLessThan(13_000_000)
    expect(bytesOfLog()).toBeLessThan(13_000_000)
  })

  test("keeps order whatever part comes last", async () => {
    const lines = "for i in $(seq 6000); do echo line $i; done"
    const { text } = await served(lines)
    const numbers = text.match(/(?<=line )\d+/g)?.map(Number) ?? []
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    expect(numbers[0]).toBe(1)
    expect(numbers.at(-1)).toBe(6000)
  })

  test.each([
    ["FIFOs", 'rm -f "$f"; mkfifo "$f"', "it is a FIFO"],
    ["links to endless zeros", 'ln -sf /dev/zero "$f"', "it is a link"],
  ])("replaced by %s holds up neither the server nor the reader", async (_, replace, why) => {
    const names = "server.log server.log.1 server.log.2 server.parts"
    const attack = `for f in ${names.replaceAll(/\S+/g, `${log}/$&`)}; do ${replace}; done`
    const { text, left } = await served(`${attack}; head -c 30000000 /dev/zero; exit 4`)
    expect(readFileSync(join(log, "exit"), "utf8")).toBe("4\n")
    expect(text).toBe("")
    expect(left).toEqual(names.split(" ").map((name) => `${name}: ${why}`))
  })
})

/** The driver's run of a passing test against a server. */
function driven(url: string): TestRun {
  cpSync(resolve(import.meta.dirname, "../../../dagger/testing"), join(root, "testing"), { recursive: true })
  for (const folder of ["results", "tests/base"]) mkdirSync(join(root, folder), { recursive: true })
  writeFileSync(join(root, "tests/base/test_a.py"), "def test_a(): pass\n")
  const options = ["--timeout", "3", "--total", "60", "--server", url, "--server-state", log]
  execFileSync("python3", [join(root, "testing/driver.py"), ...options, join(root, "tests/base")], {
    env: { ...process.env, STACK_RESULTS: join(root, "results") },
    timeout: 25_000,
  })
  return parseTestRun(readFileSync(join(root, "results/results.json"), "utf8"))
}

describe("the wait for a server", () => {
  const nobody = "http://127.0.0.1:9/"

  test("ends with the end of its output when it ends", () => {
    writeFileSync(join(log, "server.log"), "start\n")
    writeFileSync(join(log, "server.log.1"), "newer\n")
    writeFileSync(join(log, "server.log.2"), "older\n")
    writeFileSync(join(log, "server.parts"), "...")
    writeFileSync(join(log, "exit"), "3\n")
    expect(driven(nobody)).toMatchObject({
      kind: "no-server",
      message: "the server ended with status 3 before it answered\nstart\nolder\nnewer",
    })
  })

  test.each([
    ["FIFOs", (path: string) => execFileSync("mkfifo", [path])],
    [
      "links to endless zeros",
      (path: string) => {
        symlinkSync("/dev/zero", path)
      },
    ],
    [
      "folders",
      (path: string) => {
        mkdirSync(path)
      },
    ],
  ])("does not wait for %s", (_, make) => {
    for (const name of ["exit", "server.log", "server.log.1", "server.log.2", "server.parts"])
      make(join(log, name))
    expect(driven(nobody)).toMatchObject({
      kind: "no-server",
      message: "the server did not answer within 3 s\n",
    })
  })
})

/** The driver's run against a server that does this with each connection. */
async function against(answer: (socket: Socket) => void): Promise<TestRun> {
  const program = `require("node:net").createServer(${answer.toString()}).listen(0, "127.0.0.1", function () { console.log(this.address().port) })`
  const server = spawn("node", ["-e", program], { stdio: ["ignore", "pipe", "inherit"] })
  try {
    const port = await new Promise((told) =>
      server.stdout.once("data", (said: Buffer) => {
        told(said.toString().trim())
      }),
    )
    return driven(`http://127.0.0.1:${String(port)}`)
  } finally {
    server.kill()
  }
}

describe("what counts as an answer", () => {
  test("a page, an error page, another address", async () => {
    expect(await against((socket) => socket.end("HTTP/1.1 404 Not Found\r\n\r\n"))).toMatchObject({
      kind: "ran",
    })
    expect(
      await against((socket) => socket.end("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\n\r\n")),
    ).toMatchObject({ kind: "ran" })
  })

  test("neither another protocol, nor one letter at a time without an end", async () => {
    expect(await against((socket) => socket.end("SSH-2.0-OpenSSH_9.2\r\n"))).toMatchObject({
      kind: "no-server",
    })
    expect(
      await against((socket) => {
        socket.on("error", () => undefined)
        const letters = setInterval(() => socket.write(" "), 2000)
        socket.on("close", () => {
          clearInterval(letters)
        })
      }),
    ).toMatchObject({ kind: "no-server" })
  })
})

describe("the port of a server", () => {
  const tcp = (...ports: number[]) => ports.map((port) => ({ port, protocol: "TCP" }))

  test.each([
    ["nothing exposed", [], undefined, 8888],
    ["one", tcp(8080), undefined, 8080],
    ["Jupyter's among inherited ones, in any order", tcp(4040, 8888), undefined, 8888],
    ["a range", tcp(8888, 8889, 8890), undefined, 8888],
    ["UDP besides", [...tcp(8080), { port: 53, protocol: "UDP" }], undefined, 8080],
    ["8888 by UDP only", [...tcp(8080), { port: 8888, protocol: "UDP" }], undefined, 8080],
    ["UDP only", [{ port: 53, protocol: "UDP" }], undefined, 8888],
    ["the spec's word counts", tcp(4040, 8080), 8080, 8080],
  ])("%s", (_, exposed, named, port) => {
    expect(serverPort(exposed, named)).toBe(port)
  })

  test("several, none of them Jupyter's, are a question", () => {
    expect(() => serverPort(tcp(8080, 4040), undefined)).toThrow(
      "the image exposes the ports 4040 and 8080, and 8888 is none of them: name its server's as server_port in spec.yml",
    )
  })
})
