import { execFileSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import type { ImageManifest } from "../../dagger/lib/manifest/manifestData.js"
import { formatBytes } from "../../dagger/lib/text/format.js"
import { localRegistry } from "../support/dockerfileBuilds.js"
import type { GitServer } from "../support/gitServer.js"
import { startGitServer } from "../support/gitServer.js"
import { watchCommandLines } from "../support/processes.js"
import { stackFiles } from "../support/source.js"
import type { Ended } from "../support/stack.js"
import { commitAll, removeFolder, stack, workspace, writeFiles } from "../support/stack.js"
import { ReadReport, imageFiles } from "../support/testImages.js"

/** Where the engine's containers find this machine. */
const bridge = "10.87.0.1"
const user = "x-access-token"
const token = "ghs_Ab3/dE+fG=hI9jKlMnOpQr"
const readOnlyToken = "ghs_readOnly8264"
const wrongToken = "ghs_wrong1234567890"

const infoCommands = {
  OS: { description: "Operating system", command: "cat /etc/os-release" },
  LONG: { description: "Forty lines", command: "seq 40" },
  EMPTY: { description: "Nothing at all", command: "true" },
  BROKEN: { description: "A broken command", command: "echo half done; ls /nowhere" },
}

/** `Home.md` as the old pipeline wrote it: no line break at the end, no data beside it. */
const oldHome = [
  "Welcome to the datahub-docker-stack wiki!",
  "",
  "| Commit | Image | Manifest |",
  "|--------|-------|----------|",
  "|[`5c83aa3`](https://github.com/o/r/commit/5c83aa3)|`o/base:2023.2-stable`<br>`o/ml:2023.2-stable`|[Link](https://x/a)<br>[Link](https://x/b)|",
  "|[`f0891f1`](https://github.com/o/r/commit/f0891f1)|`o/base:2023.2-f0891f1`|[Link](https://x/d)|  ",
].join("\n")
const oldPage = "# base:2023.2-stable\r\nno line break at the end"

/** A package that needs no network, of a version of ours. */
function samplePackage(version: string): readonly string[] {
  const control = `Package: stack-sample\\nVersion: ${version}\\nArchitecture: all\\nMaintainer: t <t@example.org>\\nDescription: sample\\n`
  const commands = [
    "mkdir -p /tmp/p/DEBIAN",
    `printf '${control}' >/tmp/p/DEBIAN/control`,
    "dpkg-deb -b /tmp/p /tmp/p.deb >/dev/null",
    "dpkg -i /tmp/p.deb >/dev/null",
    "rm -r /tmp/p /tmp/p.deb",
  ]
  return [`RUN ${commands.join(" && ")}`]
}

const passes = { "test/test_any.py": "def test_any(): pass\n" }
const child = (version: string) => ({
  Dockerfile: [
    "FROM ghcr.io/example/base:latest",
    "USER root",
    ...samplePackage(version),
    "USER student",
    "",
  ].join("\n"),
})
const images = {
  base: { info_cmds: Object.keys(infoCommands), files: imageFiles([], passes) },
  child: { depend_on: "base", files: { ...child("1.0"), ...passes } },
}

const outputs: string[] = []
let git: GitServer
let folder = ""
let registry = ""
let exported = ""
let address = ""
let commit = ""

beforeAll(async () => {
  git = await startGitServer({ user, token, readOnlyToken, bindAll: true })
  git.create("org/stack.wiki.git")
  seed({ "Home.md": oldHome, "o-base-2023.2-stable.md": oldPage })
  address = `http://${bridge}:${git.port}/org/stack.wiki.git`
  registry = `${localRegistry()}/wiki-${Math.random().toString(36).slice(2, 10)}`
  exported = mkdtempSync(join(tmpdir(), "wiki-e2e-"))
  folder = await workspace(stackFiles(images, { spec: { all_info_cmds: infoCommands } }))
  commit = await commitAll(folder, "Add <b>the</b> sample | first")
  await build("main")
})

afterAll(async () => {
  await git.stop()
  await removeFolder(folder)
  await removeFolder(exported)
})

/** Builds and publishes the workspace, with the artifacts in a folder of the branch's name. */
async function build(branch: string): Promise<void> {
  const options = [`--branch=${branch}`, `--registry=${registry}`, "--publish"]
  const out = join(exported, branch)
  const ended = await call(["build-stack", "--source=.", ...options, "artifacts", "export", `--path=${out}`])
  expect(ended.stderr.slice(-2000), "the build").not.toContain("FAILED")
  expect(ended.status).toBe(0)
}

async function call(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const ended = await stack(["--progress=plain", ...args], { cwd: folder, env })
  outputs.push(ended.stdout, ended.stderr)
  return ended
}

interface Publishing {
  readonly artifacts?: string
  readonly wiki?: string
  readonly token?: string
  readonly options?: readonly string[]
}

/** Publishes, and gives the report as a workflow sees it, with the text that people get. */
async function publish(choices: Publishing = {}): Promise<Record<string, unknown> & { markdown: string }> {
  const { artifacts = join(exported, "main"), wiki = address, token: secret = token, options = [] } = choices
  const out = mkdtempSync(join(exported, "out-"))
  const login = [`--wiki-username=${user}`, "--wiki-token=env://WIKI_TOKEN"]
  const ended = await call(
    [
      "publish-manifests",
      `--artifacts=${artifacts}`,
      `--wiki=${wiki}`,
      ...login,
      ...options,
      "artifacts",
      "export",
      `--path=${out}`,
    ],
    { WIKI_TOKEN: secret },
  )
  expect(ended.status, ended.stderr.slice(-2000)).toBe(0)
  const report = JSON.parse(readFileSync(join(out, "report.json"), "utf8")) as Record<string, unknown>
  return { ...report, out, markdown: readFileSync(join(out, "report.md"), "utf8") }
}

/** Pushes files from outside, as a person or the old pipeline does. */
function seed(files: Readonly<Record<string, string>>): void {
  const clone = mkdtempSync(join(tmpdir(), "seed-"))
  const run = (...args: string[]) =>
    execFileSync("git", ["-C", clone, "-c", "user.name=A", "-c", "user.email=a@b", ...args])
  run("init", "-q", "-b", "master")
  for (const [path, text] of Object.entries(files)) writeFileSync(join(clone, path), text)
  run("add", "-A")
  run("commit", "-q", "-m", "seed")
  run("push", "-q", join(git.dir, "org/stack.wiki.git"), "HEAD:refs/heads/master")
}

function wikiFile(path: string): string {
  return git.git("org/stack.wiki.git", "show", `master:${path}`)
}

function head(): string {
  return git.git("org/stack.wiki.git", "rev-parse", "master").trim()
}

function pageOf(image: string, tag: string): string {
  return `${registry.replaceAll(/[/:]/g, "-")}-${image}-${tag}`
}

function manifest(image: string, tag: string): ImageManifest {
  return JSON.parse(wikiFile(`data/manifests/${pageOf(image, tag)}.json`)) as ImageManifest
}

describe("the pages that a run leaves", () => {
  test("tell all that there is to know of a published image", async () => {
    const { report, image, text } = await ReadReport.from(join(exported, "main")).then((read) => ({
      report: read.report,
      image: read.image("base"),
      text: (path: string) => read.text(path),
    }))
    expect(report).toMatchObject({ ok: true, source: { branch: "main", commit } })
    const page = await text(`manifests/${pageOf("base", "2026.4-main")}.md`)
    const digest = image.digest ?? "none"
    for (const part of [
      `| **Image** | \`${registry}/base:2026.4-main\` |`,
      `| **Digest** | \`${digest}\` |`,
      "| **Tags** | `2026.4-main` |",
      `\`${commit.slice(0, 7)}\` Add \\<b\\>the\\</b\\> sample \\| first`,
      "| **Base** | `docker.io/library/debian:bookworm-slim@sha256:",
      "| **Platform** | `linux/amd64` |",
      "1 passed in ",
      `docker pull ${registry}/base@${digest}`,
      "## Operating system",
      "PRETTY_NAME=",
      "<summary>40 lines</summary>",
      "> ❌ **Failed:** the command printed nothing.",
      "> ❌ **Failed:** the command ended with exit status 2.",
      "half done",
      "| **Failed sections** | ❌ Nothing at all, A broken command |",
      "## System packages (apt)",
      "## Layers",
      "| `FROM docker.io/library/debian:bookworm-slim@sha256:",
      "| `RUN useradd --create-home --uid 1000 student` |",
    ])
      expect(page).toContain(part)
    const childPage = await text(`manifests/${pageOf("child", "2026.4-main")}.md`)
    expect(childPage).toContain(`| **Base** | \`${registry}/base:2026.4-main@${digest}\` |`)
    expect(page).toMatch(/\| \*\*Built\*\* \| \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \|/)
    expect(page).toMatch(/\| \*\*Size\*\* \| [\d.]+ MB unpacked, [\d.]+ MB to download \|/)
  })
})

describe("publish-manifests", () => {
  test("a dry run leaves the pages among its artifacts, and the wiki as it is", async () => {
    const before = head()
    const { markdown, ...report } = await publish({ options: ["--dry-run"] })
    expect(report).toMatchObject({ ok: true, kind: "dry-run", branch: "master" })
    expect(markdown).toContain(
      `Would write 6 files, as "Publish 2026.4-main of ${commit.slice(0, 7)}: base and child"`,
    )
    const written = readdirSync(join(String(report.out), "wiki"), { recursive: true }).sort()
    const pages = [pageOf("base", "2026.4-main"), pageOf("child", "2026.4-main")]
    expect(written).toEqual([
      ...pages.map((page) => `${page}.md`),
      "Home.md",
      "data",
      "data/manifests",
      ...pages.map((page) => `data/manifests/${page}.json`),
      "data/wiki.json",
    ])
    expect(head()).toBe(before)
  })

  test("what is wrong is told, and nothing is written", async () => {
    const before = head()
    const cases: readonly (Publishing & { reason: string; message: string })[] = [
      { token: wrongToken, reason: "login-refused", message: "refused the token" },
      { token: readOnlyToken, reason: "no-permission", message: "may not write" },
      {
        wiki: address.replace("stack", "none"),
        reason: "no-wiki",
        message: "create its first page in the browser",
      },
      { wiki: `http://${bridge}:9/w.git`, reason: "unreachable", message: "cannot be reached" },
    ]
    const reports = await Promise.all(cases.map((each) => publish(each)))
    for (const [index, { reason, message }] of cases.entries()) {
      expect(reports[index]).toMatchObject({ ok: false, kind: "failed", reason })
      expect(reports[index]?.markdown).toContain(message)
    }
    expect(head()).toBe(before)
  })

  test("writes one commit on top of what the old pipeline left, to the byte, and nothing the second time", async () => {
    const seen = watchCommandLines()
    const { markdown, ...report } = await publish()
    const commandLines = seen.stop()
    expect(report).toMatchObject({ ok: true, kind: "pushed", commit: head(), tries: 1 })
    expect(markdown).toContain("Wrote 6 files as commit")
    const home = wikiFile("Home.md").split("\n")
    expect(home.filter((_, line) => line !== 4)).toEqual(oldHome.split("\n"))
    expect(home[4]).toContain(`\`${commit.slice(0, 7)}\``)
    expect(home[4]).toContain(`\`${registry}/base:2026.4-main\`<br>\`${registry}/child:2026.4-main\``)
    expect(wikiFile("o-base-2023.2-stable.md")).toBe(oldPage)
    expect(git.git("org/stack.wiki.git", "rev-list", "--count", "master").trim()).toBe("2")
    // git-http-backend runs on this machine, too: the watcher sees the run's processes.
    expect(commandLines.some((line) => line.includes("programs/wiki.mjs"))).toBe(true)
    outputs.push(...commandLines)
    expect(await publish()).toMatchObject({ ok: true, kind: "unchanged" })
    expect(git.git("org/stack.wiki.git", "rev-list", "--count", "master").trim()).toBe("2")
  })
})

describe("a branch that changes one image", () => {
  beforeAll(async () => {
    await writeFiles(join(folder, "images/child"), child("1.1"))
    await commitAll(folder, "Another version")
    await build("new-kernel")
  })

  test("has its pages only when asked, with what is known of the image that was not built", async () => {
    const artifacts = join(exported, "new-kernel")
    const refused = await publish({ artifacts })
    expect(refused).toMatchObject({ ok: false, kind: "refused" })
    expect(refused.markdown).toContain('the branch "new-kernel"')
    expect(await publish({ artifacts, options: ["--any-branch"] })).toMatchObject({
      ok: true,
      kind: "pushed",
    })
    const [kept, now] = [manifest("base", "2026.4-main"), manifest("base", "2026.4-new-kernel")]
    expect(now).toMatchObject({ digest: kept.digest, created: kept.created, commit: { sha: commit } })
    expect(now.packages).toEqual(kept.packages)
    expect([...now.tags].sort()).toEqual(["2026.4-main", "2026.4-new-kernel"])
    expect([...kept.tags].sort()).toEqual(["2026.4-main", "2026.4-new-kernel"])
    expect(wikiFile("Home.md").split("\n")[4]).toContain(
      `\`${registry}/base:2026.4-new-kernel\`<br>\`${registry}/child:2026.4-new-kernel\``,
    )
  })

  test("differs in the package that was changed", async () => {
    const tags = [
      "--from=2026.4-main",
      "--to=2026.4-new-kernel",
      `--wiki=${address}`,
      `--registry=${registry}`,
    ]
    const login = [`--wiki-username=${user}`, "--wiki-token=env://WIKI_TOKEN"]
    const byTag = await call(["diff", "--source=.", ...tags, ...login, "summary"], {
      WIKI_TOKEN: readOnlyToken,
    })
    expect(byTag.stdout).toContain("| stack-sample | upgraded | `1.0` | `1.1` |")
    expect(byTag.stdout).toContain("The same image: ")
  })
})

test("the second run of main draws how its images went, on their pages and on Home", async () => {
  await build("main")
  expect(await publish()).toMatchObject({ ok: true, kind: "pushed" })
  for (const image of ["base", "child"]) {
    const page = pageOf(image, "2026.4-main")
    const size = manifest(image, "2026.4-main").size.unpacked ?? 0
    expect(manifest(image, "2026.4-main").buildSeconds).toBeGreaterThanOrEqual(0)
    const svg = wikiFile(`trends/${page}.svg`)
    expect(svg).toContain(`>${formatBytes(size)}</text>`)
    for (const label of ["Unpacked size", "Build", "Tests passed", "Packages"])
      expect(svg).toContain(`>${label}</text>`)
    expect(wikiFile(`${page}.md`)).toMatch(
      new RegExp(`^!\\[${image}, 2 runs [^\n]*\\]\\(trends/${page}\\.svg\\)$`, "m"),
    )
  }
  expect(wikiFile("Home.md")).toContain("](trends/Home.svg)")
  expect(wikiFile("trends/Home.svg").match(/class="name"/g)).toHaveLength(2)
  // What people and the old pipeline wrote is around it, to the byte.
  expect(wikiFile("Home.md").startsWith(oldHome.split("\n").slice(0, 2).join("\n"))).toBe(true)
})

describe("size budgets", () => {
  test("an image over its budget fails, one near it is told; the pages of such a run are refused", async () => {
    const over = { size_budget: "20 MB", files: imageFiles([], passes) }
    const near = { size_budget: `${nearBudget()} MB`, files: imageFiles([], passes) }
    await writeFiles(folder, stackFiles({ over, near }))
    const out = join(exported, "budget")
    const options = ["--branch=main", `--registry=${registry}`, "--publish"]
    await call(["build-stack", "--source=.", ...options, "artifacts", "export", `--path=${out}`])
    const read = await ReadReport.from(out)
    expect(read.image("over")).toMatchObject({ outcome: { kind: "over-budget" }, published: false })
    expect(read.image("near").notices).toEqual([
      expect.stringMatching(/^near its size budget: [\d.]+ MB of [\d.]+ MB$/),
      expect.stringContaining("not tagged 2026.4-main"),
    ])
    const { markdown, ...report } = await publish({ artifacts: out })
    expect(report).toMatchObject({ ok: false, kind: "refused" })
    expect(markdown).toContain("the run failed")
  })
})

/** A budget in MB that the base image is just below. */
function nearBudget(): number {
  return Math.ceil(((manifest("base", "2026.4-main").size.unpacked ?? 0) / 1_000_000) * 1.03)
}

test("no output, exported file, command line or file of the wiki has a token in it", () => {
  const files = [exported, git.dir].flatMap((path) =>
    readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1")),
  )
  expect(outputs.length).toBeGreaterThan(20)
  const forms = [token, readOnlyToken, wrongToken].flatMap((each) => [
    each,
    encodeURIComponent(each),
    Buffer.from(each).toString("base64"),
    Buffer.from(`${user}:${each}`).toString("base64"),
  ])
  for (const form of forms) expect([...outputs, ...files].filter((text) => text.includes(form))).toEqual([])
})
