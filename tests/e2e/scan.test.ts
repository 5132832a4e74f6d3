import { createHash } from "node:crypto"
import { once } from "node:events"
import { readFile } from "node:fs/promises"
import type { Server } from "node:http"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { ImageManifest, InstalledPackage } from "../../dagger/lib/manifest/manifestData.js"
import { formatManifest } from "../../dagger/lib/manifest/manifestData.js"
import type { JudgedVulnerability } from "../../dagger/lib/vulnerability/gate.js"
import { localRegistry } from "../support/dockerfileBuilds.js"
import { digestOf, manifestOf, packagesOf } from "../support/manifests.js"
import { pushImage } from "../support/registryImages.js"
import { stackFiles } from "../support/source.js"
import type { Ended } from "../support/stack.js"
import { removeFolder, run, stack, workspace, writeFiles } from "../support/stack.js"
import { writeVulnerabilityDatabase } from "../support/vulnerabilityDatabase.js"

// grype itself, as the engine's mirror serves it, on a database that its own code has written: five made entries.

/** Packages that Debian builds from one source package. */
function builtFrom(
  source: string,
  version: string,
  ...names: readonly string[]
): readonly InstalledPackage[] {
  return names.map((name) => ({ name, version, architecture: "amd64", source: { name: source, version } }))
}

const apt = [
  ...builtFrom("glibc", "2.36-9+deb12u4", "libc6", "libc-bin", "libc-l10n", "locales"),
  ...builtFrom("curl", "7.88.1-10", "curl", "libcurl4"),
  ...builtFrom("zlib", "1:1.2.13", "zlib1g"),
]

function image(name: string, more: Partial<ImageManifest["packages"]> = {}): ImageManifest {
  const os = { id: "debian", version: "12", name: "Debian GNU/Linux 12 (bookworm)" }
  const packages: ImageManifest["packages"] = { apt: { kind: "listed", packages: apt }, ...more }
  return manifestOf(name, "2026.4-main", {
    os,
    packages,
    digest: digestOf(name === "base" ? "a" : "b"),
  })
}

const images = [
  image("base"),
  image("left", {
    pip: { kind: "listed", packages: packagesOf("Tornado 6.4, numpy 1.26.4") },
    r: { kind: "listed", packages: [{ name: "shiny", version: "1.8.0", repository: "CRAN" }] },
  }),
]

let folder = ""
let server: Server

beforeAll(async () => {
  folder = await workspace(filesWith({}), { git: false })
  const artifacts = images.map(
    (manifest) => [`art/manifests/${manifest.name}.json`, formatManifest(manifest)] as const,
  )
  await writeFiles(folder, { ...Object.fromEntries(artifacts), "junk.db": "no database" })
  await writeVulnerabilityDatabase(join(folder, "new.db"), 1)
  await writeVulnerabilityDatabase(join(folder, "old.db"), 40)
  server = await serveDatabase(join(folder, "new.db"))
})

afterAll(async () => {
  server.close()
  await removeFolder(folder)
})

function filesWith(spec: Readonly<Record<string, unknown>>): ReturnType<typeof stackFiles> {
  const left = { depend_on: "base", files: { "requirements.txt": "numpy\ntornado==6.4\n" } }
  return stackFiles({ base: {}, left }, { spec })
}

/** A place to fetch databases from, as grype's maker has one. */
async function serveDatabase(path: string): Promise<Server> {
  const archive = `${path}.tar.gz`
  await run("sh", ["-c", 'cp "$1" vulnerability.db && tar -czf "$2" vulnerability.db', "sh", path, archive], {
    cwd: folder,
  })
  const bytes = await readFile(archive)
  const checksum = `sha256:${createHash("sha256").update(bytes).digest("hex")}`
  const latest = {
    status: "active",
    schemaVersion: "6.1.10",
    built: new Date().toISOString(),
    path: "made.tar.gz",
    checksum,
  }
  const started = createServer((request, response) => {
    const isList = request.url?.endsWith("/v6/latest.json") === true
    response.end(isList ? JSON.stringify(latest) : bytes)
  }).listen(0, "10.87.0.1")
  await once(started, "listening")
  return started
}

/** Scans the artifacts under a policy, and exports what comes of it to `out`. */
async function scan(
  policy: Readonly<Record<string, unknown>>,
  ...args: readonly string[]
): Promise<{ readonly ended: Ended; readonly report: ScanReport; readonly page: string }> {
  await writeFiles(folder, filesWith({ vulnerabilities: policy }))
  const out = ["artifacts", "export", "--path=out"]
  const ended = await stack(["scan", "--source=.", "--artifacts=art", ...args, ...out], { cwd: folder })
  expect(ended.status, ended.stderr.slice(-2000)).toBe(0)
  const read = (name: string) => readFile(join(folder, "out", name), "utf8")
  return { ended, report: JSON.parse(await read("report.json")) as ScanReport, page: await read("report.md") }
}

interface ScanReport {
  readonly ok: boolean
  readonly failures: readonly string[]
  readonly notices: readonly string[]
  readonly vulnerabilities: readonly JudgedVulnerability[]
}

const exceptions = [
  { id: "CVE-2026-1002", package: "pkg:deb/debian/curl", reason: "no FTP here", expires: "2099-01-31" },
  { id: "CVE-2026-1004", package: "pkg:pypi/tornado", reason: "not a server", expires: "2099-01-31" },
  { id: "CVE-1999-1", package: "pkg:pypi/nothing", reason: "gone", expires: "2099-01-31" },
]

test("what is found, by source package, and in the order of what is to be done", async () => {
  const { report, page } = await scan({ fail_on: "high" }, "--database=new.db")
  expect(report.vulnerabilities).toMatchObject([
    {
      id: "GHSA-aaaa-bbbb-cccc",
      package: "Tornado",
      severity: "critical",
      remedy: "change",
      images: ["left"],
      fails: true,
    },
    { id: "CVE-2026-1002", package: "curl", fix: { state: "wont-fix" }, remedy: "decision", fails: true },
    {
      id: "CVE-2026-1001",
      package: "glibc",
      severity: "high",
      remedy: "rebuild",
      images: ["base", "left"],
      fails: true,
    },
    { id: "CVE-2026-1005", package: "shiny", severity: "medium", remedy: "change", fails: false },
    { id: "CVE-2026-1003", package: "zlib", severity: "low", remedy: "rebuild", fails: false },
  ])
  expect(report.vulnerabilities[2]?.installed.map(({ name }) => name).sort()).toEqual([
    "libc-bin",
    "libc-l10n",
    "libc6",
    "locales",
  ])
  expect(report.vulnerabilities[0]?.pins).toEqual(["images/left/requirements.txt:2"])
  expect(report.failures).toEqual([
    "3 vulnerabilities (high and above fail); a plain rebuild fixes 1 of them",
  ])
  expect(page.match(/^## .*/gm)).toEqual([
    "## A plain rebuild fixes: 2",
    "## A changed source fixes: 2",
    "## Nothing fixes: to be decided: 1",
  ])
})

test("the exit status and the words of a person's call", async () => {
  await writeFiles(folder, filesWith({ vulnerabilities: { fail_on: "high" } }))
  const ended = await stack(["scan", "--artifacts=art", "--database=new.db"], { cwd: folder })
  expect(ended.status).toBe(1)
  expect(ended.stdout).toContain("Vulnerabilities: failed: 2 images,")
  expect(ended.stdout).toMatch(/high +CVE-2026-1001 +glibc 2\.36-9\+deb12u4 \(4 packages\) +2\.36/)
  expect(ended.stdout).toContain("pinned in images/left/requirements.txt:2")
})

test("exceptions and OpenVEX let pass, only fixed ones fail, and what matches nothing is named", async () => {
  const statement = {
    vulnerability: { name: "CVE-2026-1001" },
    products: [
      { "@id": "pkg:oci/base", subcomponents: [{ "@id": "pkg:deb/debian/glibc" }] },
      { "@id": "pkg:oci/left" },
    ],
    status: "not_affected",
    justification: "vulnerable_code_not_in_execute_path",
  }
  const vex = {
    "@context": "https://openvex.dev/ns/v0.2.0",
    timestamp: "2026-01-01T00:00:00Z",
    statements: [statement],
  }
  await writeFiles(folder, { "images/vex.json": JSON.stringify(vex) })
  const files = [{ file: "images/vex.json", expires: "2099-01-31" }]
  const { report, page } = await scan({ fail_on: "high", exceptions, vex: files }, "--database=new.db")
  expect(report).toMatchObject({ ok: true, failures: [] })
  expect(report.notices).toEqual([
    expect.stringMatching(/^spec\.yml:\d+: the exception for CVE-1999-1 matches nothing/),
  ])
  expect(page).toContain(
    "| CVE-2026-1001 | `glibc` | 2099-01-31 | not\\_affected: vulnerable\\_code\\_not\\_in\\_execute\\_path",
  )

  const fixed = await scan({ fail_on: "high", only_fixed: true }, "--database=new.db")
  expect(fixed.report.vulnerabilities.filter(({ fails }) => fails).map((each) => each.package)).toEqual([
    "Tornado",
    "glibc",
  ])
})

test("expired exceptions fail, and so does an old database; both say so", async () => {
  const expired = [{ ...exceptions[0], expires: "2026-01-31" }]
  const { report } = await scan({ fail_on: "critical", exceptions: expired }, "--database=old.db")
  expect(report.ok).toBe(false)
  expect(report.failures).toEqual([
    "1 vulnerability (critical fails); a plain rebuild fixes none of them",
    expect.stringMatching(/^spec\.yml:\d+: the exception for CVE-2026-1002 has expired on 2026-01-31$/),
    expect.stringMatching(
      /^the database of \d{4}-\d\d-\d\d is 40 days old, accepted are 5 \(vulnerabilities\.database_days\)$/,
    ),
  ])
  expect(
    (await scan({ fail_on: "critical", database_days: 50 }, "--database=old.db")).report.failures,
  ).toHaveLength(1)
})

test("a database that is fetched because the call says so", async () => {
  const { port } = server.address() as AddressInfo
  const { report } = await scan({ fail_on: "high" }, `--database-url=http://10.87.0.1:${port}/databases`)
  expect(report.vulnerabilities).toHaveLength(5)
})

test("a database in an image", async () => {
  const layers = [await readFile(join(folder, "new.db"))]
  const digest = await pushImage({ host: localRegistry() }, "scan/database:1", {
    layers,
    fileName: "made.db",
  })
  const reference = `${localRegistry()}/scan/database@${digest}`
  const { report } = await scan({ fail_on: "high" }, `--database-image=${reference}`)
  expect(report.vulnerabilities).toHaveLength(5)
  const empty = await pushImage({ host: localRegistry() }, "scan/empty:1")
  const ended = await stack(
    ["scan", "--artifacts=art", `--database-image=${localRegistry()}/scan/empty@${empty}`],
    { cwd: folder },
  )
  expect(ended.status).not.toBe(0)
  expect(ended.stdout).toContain("has 0 databases in its root folder, and one is needed")
})

test("what is wrong is told, with an exit status", async () => {
  await writeFiles(folder, filesWith({}))
  const cases = [
    { args: [], message: "give one of --database, --database-image and --database-url" },
    { args: ["--database=spec.yml"], message: "its name ends with none of .tar.zst, .tar.gz, .tar.xz, .db" },
    { args: ["--database=junk.db"], message: "grype failed on the database junk.db" },
    { args: ["--database=new.db", "--scanner=anchore/grype:v0.121.2"], message: "has no digest" },
    { args: ["--database-image=anchore/db:latest"], message: "--database-image: " },
    {
      args: ["--database-url=http://10.87.0.1:1/databases"],
      message: "grype failed on the database at http://10.87.0.1:1",
    },
  ]
  for (const { args, message } of cases) {
    const ended = await stack(["scan", "--artifacts=art", ...args], { cwd: folder })
    expect(ended.status, message).not.toBe(0)
    expect(ended.stdout + ended.stderr).toContain(message)
  }
})
