import { createHash } from "node:crypto"
import { execFileSync } from "node:child_process"
import { once } from "node:events"
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { createServer } from "node:http"
import type { Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { engineVersion, fakeDagger } from "../../support/fakeDagger.js"
import type { Ended } from "../../support/stack.js"
import { checkout, run } from "../../support/stack.js"

// A machine that has everything but dagger.
const tools = [
  "bash",
  "curl",
  "cut",
  "dirname",
  "gzip",
  "mkdir",
  "readlink",
  "sed",
  "sha256sum",
  "tar",
  "uname",
]
const version = "9.9.9"

let folder: string
let server: Server
const archives = new Map<string, Buffer>()
const requests: string[] = []

beforeAll(async () => {
  server = createServer((request, response) => {
    requests.push(request.url ?? "")
    const body = archives.get(request.url ?? "")
    if (body === undefined) response.writeHead(404).end()
    else response.end(body)
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
})

afterAll(() => {
  server.close()
})

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "install-dagger-"))
  requests.length = 0
})

afterEach(() => {
  rmSync(folder, { recursive: true })
})

/** Runs the script of a checkout of its own, which asks for a version that exists only here. */
async function install(checksum: string, path?: string): Promise<Ended> {
  mkdirSync(join(folder, ".github"))
  writeFileSync(join(folder, "dagger.json"), JSON.stringify({ engineVersion: `v${version}` }, null, 2))
  const script = readFileSync(join(checkout, ".github/install-dagger.sh"), "utf8")
  const marked = script.replace("checksums=(", `checksums=(\n  [${version}_amd64]=${checksum}\n`)
  writeFileSync(join(folder, ".github/install-dagger.sh"), marked)
  const { port } = server.address() as AddressInfo
  return run("bash", [join(folder, ".github/install-dagger.sh")], {
    cwd: folder,
    env: {
      PATH: path ?? toolsOnly(),
      RUNNER_TEMP: join(folder, "temp"),
      GITHUB_PATH: join(folder, "github-path"),
      DAGGER_RELEASES: `http://127.0.0.1:${port}`,
    },
  })
}

function toolsOnly(): string {
  const bin = join(folder, "tools")
  mkdirSync(bin)
  for (const tool of tools)
    symlinkSync(execFileSync("which", [tool], { encoding: "utf8" }).trim(), join(bin, tool))
  return bin
}

/** A release of a dagger that says its version; gives its checksum. */
function release(): string {
  const from = join(folder, "release")
  mkdirSync(from)
  writeFileSync(join(from, "dagger"), `#!/bin/bash\necho dagger v${version} here\n`, { mode: 0o755 })
  const archive = execFileSync("tar", ["--create", "--gzip", "--directory", from, "dagger"])
  archives.set(`/${version}/dagger_v${version}_linux_amd64.tar.gz`, archive)
  return createHash("sha256").update(archive).digest("hex")
}

describe.runIf(process.arch === "x64")("install-dagger.sh", () => {
  it("downloads the release and puts it on the PATH of later steps", async () => {
    const ended = await install(release())
    expect(ended).toMatchObject({ status: 0 })
    const bin = readFileSync(join(folder, "github-path"), "utf8").trim()
    expect(execFileSync(join(bin, "dagger"), ["version"], { encoding: "utf8" })).toBe(
      `dagger v${version} here\n`,
    )
  })

  it("refuses a release with another checksum", async () => {
    const actual = release()
    const ended = await install("0".repeat(64))
    expect(ended.status).toBe(1)
    expect(ended.stdout).toContain(`has the checksum ${actual}, not 000`)
    expect(existsSync(join(folder, "github-path"))).toBe(false)
  })

  it("takes the CLI that is there, where it has the right version", async () => {
    const fake = fakeDagger(join(folder, "fake"), { version: `v${version}` })
    const ended = await install("none", `${fake.bin}:${toolsOnly()}`)
    expect(ended).toMatchObject({ status: 0 })
    expect(ended.stdout).toContain(`dagger v${version} is there`)
    expect(requests).toEqual([])
  })

  it("does not take another version", async () => {
    const fake = fakeDagger(join(folder, "fake"), { version: `v${version}0` })
    const ended = await install(release(), `${fake.bin}:${toolsOnly()}`)
    expect(ended).toMatchObject({ status: 0 })
    expect(requests).toHaveLength(1)
  })

  it("has a checksum of dagger.json's version for both architectures", () => {
    const script = readFileSync(join(checkout, ".github/install-dagger.sh"), "utf8")
    for (const architecture of ["amd64", "arm64"]) {
      const line = `[${engineVersion().slice(1)}_${architecture}]=`
      expect(script.split(line)[1]).toMatch(/^[0-9a-f]{64}\n/)
    }
  })

  it("says what to do where the version has none", async () => {
    cpSync(join(checkout, ".github"), join(folder, "other/.github"), { recursive: true })
    writeFileSync(join(folder, "other/dagger.json"), '{ "engineVersion": "v1.2.3" }')
    const script = join(folder, "other/.github/install-dagger.sh")
    const ended = await run("bash", [script], { cwd: folder, env: { PATH: toolsOnly() } })
    expect(ended.status).toBe(1)
    expect(ended.stdout).toContain("install-dagger.sh has no checksum for dagger 1.2.3 on amd64")
  })
})
