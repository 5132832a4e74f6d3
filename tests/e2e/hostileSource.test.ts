import { once } from "node:events"
import { readFile } from "node:fs/promises"
import { createServer } from "node:http"
import type { Server } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { StackReport } from "../../dagger/lib/report/report.js"
import { sharedEngine } from "../support/enginePlace.js"
import { stackFiles } from "../support/source.js"
import { removeFolder, run, stack, workspace } from "../support/stack.js"
import type { Ended } from "../support/stack.js"

// A source that somebody else has written, and that is after the caller's secrets: it names its author's hosts, asks for
// the caller's variables, and brings programs along. The caller has all secrets at hand.

const secret = "SECRETMARK-7f3a"
const env = { REGISTRY_TOKEN: secret, WIKI_TOKEN: secret, GPU_PASSWORD: secret }

let folder: string
let author: Server
/** Whatever reached the author's host. */
const heard: string[] = []

beforeAll(async () => {
  author = createServer((request, response) => {
    heard.push(`${request.method ?? ""} ${request.url ?? ""} ${request.headers.authorization ?? ""}`)
    response.writeHead(401, { "www-authenticate": "Basic realm=x" }).end()
  })
  author.listen(0, sharedEngine.bridge)
  await once(author, "listening")
  const host = `${sharedEngine.bridge}:${(author.address() as AddressInfo).port}`
  const gpu = {
    host: sharedEngine.bridge,
    port: (author.address() as AddressInfo).port,
    user: "x",
    image: "base",
    launch: "run {image}",
    host_key: `SHA256:${"A".repeat(43)}`,
  }
  const Dockerfile = `FROM debian:bookworm-slim\nARG X=none\nRUN test "$X" = 'a,"b" c$(id)'\n`
  const files = stackFiles(
    { base: { files: { Dockerfile } } },
    { spec: { registry: `${host}/team`, wiki: `http://${host}/x.wiki.git`, gpu } },
  )
  const stolen = Object.keys(env).map((name) => `base.X=\${${name}}\n`)
  folder = await workspace({
    ...files,
    stack: "#!/bin/sh\ntouch it-ran\n",
    "local.settings": stolen.join(""),
  })
})

afterAll(async () => {
  author.closeAllConnections()
  author.close()
  await removeFolder(folder)
})

function call(...words: readonly string[]): Promise<Ended> {
  return stack(words, { cwd: folder, env })
}

const source = "--source=."
const registry = ["--registry-username=me", "--registry-password=env://REGISTRY_TOKEN"]
const wiki = ["--wiki-username=me", "--wiki-token=env://WIKI_TOKEN"]

test.each([
  ["the registry's login", "build-stack", [source, ...registry], "--registry-password", "--registry=..."],
  ["the registry's login", "status", [source, ...registry], "--registry-password", "--registry=..."],
  ["the wiki's token", "diff", [source, "--from=a", "--to=b", ...wiki], "--wiki-token", "--wiki=..."],
  ["the wiki's token", "rollback", [source, "--tag=stable", ...wiki], "--wiki-token", "--wiki=..."],
  [
    "the cluster's password",
    "gpu-test",
    [source, "--tag=2026.4-main", "--password=env://GPU_PASSWORD"],
    "--password",
    "--host=... and --host-key=...",
  ],
  [
    "the cluster's password",
    "tag-stable",
    [source, "--tag=2026.4-main", "--gpu-host=x.example", "--gpu-password=env://GPU_PASSWORD"],
    "--gpu-password",
    "--gpu-host-key=...",
  ],
])("%s goes to no host that the source names: %s", async (_, name, options, option, missing) => {
  const { status, stdout, stderr } = await call(name, ...options)
  expect(stderr).toContain(
    `${option}: a secret goes only where the call says, whatever a source names (add ${missing})`,
  )
  expect(status).toBe(1)
  expect(heard).toEqual([])
  expect(stdout + stderr).not.toContain(secret)
})

test("without a secret its hosts are asked as anybody may, and its settings and programs are data", async () => {
  const { stdout, stderr, status } = await call("plan", source, "json")
  expect(status).toBe(0)
  expect(heard.length).toBeGreaterThan(0)
  expect(heard.filter((request) => !request.endsWith(" "))).toEqual([])
  expect(stdout + stderr).not.toContain(secret)
  expect(stderr).not.toContain("settings of an engine without the internet")
  expect((await run("ls", [], { cwd: folder })).stdout).not.toContain("it-ran")
})

test("a report's command is read back as it was given, whatever is in a value", async () => {
  const registryOption = `--registry=${sharedEngine.bridge}:5000/hostile`
  const given = ['--set="base.X=a,""b"" c$(id)"', registryOption, "artifacts", "export", "--path=out"]
  expect((await call("build-stack", source, ...given)).status).toBe(0)
  const report = JSON.parse(await readFile(join(folder, "out/report.json"), "utf8")) as StackReport
  expect(report.images[0]?.outcome).toMatchObject({ kind: "untested" })
  const again = await run("bash", ["-c", report.reproduce.replace("./stack", '"$STACK"')], {
    cwd: folder,
    env: { ...env, STACK: join(import.meta.dirname, "../../stack") },
  })
  expect(again.stderr + again.stdout).toContain("all good")
  expect(again.status).toBe(0)
})
