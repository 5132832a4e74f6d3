import { execFileSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { runWikiJob } from "../../../dagger/tools/wiki/runJob.js"
import { runProgram, startGitServer } from "../../support/gitServer.js"
import { digestOf, manifestOf, publicationOf } from "../../support/manifests.js"
import type { WikiJobInput, WikiResult } from "../../../dagger/tools/wiki/job.js"
import type { GitServer } from "../../support/gitServer.js"

const token = "ghs_Ab3/dE+fG=hI9jKlMnOpQr"
const readOnlyToken = "ghs_readonly"
const user = "x-access-token"

let server: GitServer
let folder: string
let tokenFile: string
let wikis = 0

beforeAll(async () => {
  server = await startGitServer({ user, token, readOnlyToken })
  folder = mkdtempSync(join(tmpdir(), "wiki-test-"))
  tokenFile = fileWith(token)
})
afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true })
})

function fileWith(text: string): string {
  const path = join(mkdtempSync(join(folder, "file-")), "content")
  writeFileSync(path, text)
  return path
}

/** A wiki of its own for a test: its name on the server and a job that publishes one image there. */
function wiki(
  options: { readonly branch?: string; readonly files?: Readonly<Record<string, string>> } = {},
): {
  readonly name: string
  readonly url: string
  readonly job: (changes?: Partial<WikiJobInput>) => WikiJobInput
} {
  wikis += 1
  const name = `org/stack${wikis}.wiki.git`
  const url = server.create(name, options)
  if (options.files !== undefined) seed(name, options.files)
  const change = publicationOf("1111111111", [manifestOf()])
  return { name, url, job: (changes) => ({ url, tokenFile, action: { kind: "update", change }, ...changes }) }
}

/** Pushes files from outside, as a person or the old pipeline does. */
function seed(name: string, files: Readonly<Record<string, string>>, branch = "master"): void {
  const clone = mkdtempSync(join(folder, "seed-"))
  const git = (...args: string[]): string =>
    execFileSync("git", ["-C", clone, "-c", "user.name=A", "-c", "user.email=a@b", ...args], {
      stdio: "pipe",
    }).toString()
  git("init", "-q", "-b", branch)
  for (const [path, text] of Object.entries(files)) {
    if (text.startsWith("-> ")) symlinkSync(text.slice(3), join(clone, path))
    else writeFileSync(join(clone, path), text)
  }
  git("add", "-A")
  git("commit", "-q", "-m", "seed")
  git("push", "-q", join(server.dir, name), `HEAD:refs/heads/${branch}`)
}

function home(name: string, branch = "master"): string {
  return server.git(name, "show", `${branch}:Home.md`)
}

function failed(result: WikiResult): { readonly reason: string; readonly message: string } {
  if (result.kind !== "failed") throw new Error(`expected a failure, got ${result.kind}`)
  return result
}

describe("publishing", () => {
  test.each(["master", "main"])("an empty wiki whose branch is %s", async (branch) => {
    const { name, job } = wiki({ branch })
    const result = await runWikiJob(job())
    expect(result).toMatchObject({ kind: "pushed", branch, tries: 1 })
    expect(server.git(name, "log", "--format=%an <%ae> %s", branch).trim()).toBe(
      "Image pipeline <image-pipeline@users.noreply.github.com> Publish 2026.4-main of 1111111: base",
    )
    expect(home(name, branch)).toContain("`ghcr.io/example/base:2026.4-main`")
    expect(server.git(name, "ls-tree", "-r", "--name-only", branch).trim().split("\n")).toEqual([
      "Home.md",
      "data/manifests/ghcr-io-example-base-2026.4-main.json",
      "data/wiki.json",
      "ghcr-io-example-base-2026.4-main.md",
    ])
  })

  test("a wiki whose HEAD names a branch that is not there: the existing one is continued", async () => {
    const { name, job } = wiki({ branch: "main", files: { "Home.md": "Hello\n" } })
    expect(await runWikiJob(job())).toMatchObject({ kind: "pushed", branch: "master" })
    expect(home(name)).toMatch(/^Hello\n\n\| Commit/)
  })

  test("again: no commit", async () => {
    const { name, job } = wiki()
    await runWikiJob(job())
    expect(await runWikiJob(job())).toMatchObject({ kind: "unchanged", files: [] })
    expect(server.git(name, "rev-list", "--count", "master").trim()).toBe("1")
  })

  test("a dry run writes the files and pushes nothing", async () => {
    const { name, job } = wiki({ files: { "Home.md": "Hello\n" } })
    const output = mkdtempSync(join(folder, "out-"))
    expect(await runWikiJob(job({ dryRun: true, output }))).toMatchObject({ kind: "dry-run" })
    expect(readdirSync(output).sort()).toEqual(["Home.md", "data", "ghcr-io-example-base-2026.4-main.md"])
    expect(home(name)).toBe("Hello\n")
  })

  test("a local repository, by path", async () => {
    const { name, job } = wiki()
    const result = await runWikiJob({ url: join(server.dir, name), action: job().action })
    expect(result).toMatchObject({ kind: "pushed" })
  })

  test("a symlink in the wiki does not lead out of it", async () => {
    const secret = fileWith("not for the wiki")
    const page = "ghcr-io-example-base-2026.4-main.md"
    const { name, job } = wiki({ files: { "Home.md": "Hello\n", [page]: `-> ${secret}` } })
    const images = [
      {
        from: "ghcr.io/example/base:2026.4-main",
        to: "ghcr.io/example/base:2026.4-stable",
        digest: digestOf("a"),
      },
    ]
    const change = { kind: "promote", at: "2026-10-02T00:00:00Z", images } as const
    await runWikiJob(job({ action: { kind: "update", change } }))
    expect(server.git(name, "show", "master:ghcr-io-example-base-2026.4-stable.md")).toBe(secret)
    expect(readFileSync(secret, "utf8")).toBe("not for the wiki")
  })

  test("looking up, and checking before a promotion", async () => {
    const { job } = wiki({ files: { "ghcr-io-example-old-2026.3-stable.md": "page\n" } })
    await runWikiJob(job())
    const [base, old, none] = ["base:2026.4-main", "old:2026.3-stable", "none:1"].map(
      (each) => `ghcr.io/example/${each}`,
    )
    const references = [base ?? "", old ?? "", none ?? ""]
    const found = await runWikiJob(job({ action: { kind: "lookUp", references } }))
    expect(found.kind === "entries" && found.entries.map(({ kind }) => kind)).toEqual([
      "manifest",
      "page-only",
      "missing",
    ])
    const images = references.map((from) => ({ from, to: `${from}-stable`, digest: digestOf("c") }))
    const checked = await runWikiJob(job({ action: { kind: "check", images } }))
    expect(checked.kind === "checked" && checked.problems).toEqual([
      expect.stringContaining("describes sha256:aaaa"),
      expect.stringContaining("no page ghcr-io-example-none-1.md"),
    ])
  })
})

describe("failures", () => {
  test.each([
    ["a wrong token", { token: "ghs_wrong" }, "login-refused", "refused the token"],
    ["no token", {}, "login-refused", "asks for a login"],
    ["a token that may not write", { token: readOnlyToken }, "no-permission", "may not write"],
  ])("%s", async (_name, { token: given }: { token?: string }, reason, message) => {
    const { name, job } = wiki({ files: { "Home.md": "Hello\n" } })
    const login = given === undefined ? undefined : fileWith(given)
    const result = await runWikiJob(job({ tokenFile: login }))
    expect(failed(result)).toMatchObject({ reason, message: expect.stringContaining(message) as string })
    expect(home(name)).toBe("Hello\n")
  })

  test.each([
    ["a wiki that was never opened", () => `${server.url}/org/none.wiki.git`, "no-wiki", "never opened"],
    [
      "an unreachable host",
      () => "http://127.0.0.1:9/org/stack.wiki.git",
      "unreachable",
      "cannot be reached",
    ],
    ["an unknown host", () => "https://wiki.invalid/stack.wiki.git", "unreachable", "cannot be reached"],
    ["a login in the address", () => `http://me:${token}@127.0.0.1:9/w.git`, "bad-job", "contains a login"],
    ["a token over plain HTTP to the world", () => "http://example.org/w.git", "bad-job", "use https"],
    ["ssh", () => "git@github.com:org/stack.wiki.git", "bad-job", "https"],
    ["a missing folder", () => "/nowhere/wiki.git", "no-wiki", "never opened"],
  ])("%s", async (_name, url, reason, message) => {
    const result = failed(await runWikiJob(wiki().job({ url: url() })))
    expect(result).toMatchObject({ reason, message: expect.stringContaining(message) as string })
    expect(result.message).not.toContain(token)
  })

  test("a hook that refuses: its words", async () => {
    const { name, job } = wiki({ files: { "Home.md": "Hello\n" } })
    const hook = join(server.dir, name, "hooks/pre-receive")
    writeFileSync(hook, '#!/bin/sh\necho "error: File x.json exceeds the file size limit" >&2\nexit 1\n', {
      mode: 0o755,
    })
    expect(failed(await runWikiJob(job()))).toMatchObject({
      reason: "push-refused",
      message: `the server refused what was pushed to the wiki ${server.url}/${name}: error: File x.json exceeds the file size limit`,
    })
    expect(home(name)).toBe("Hello\n")
  })

  test("data that cannot be read: nothing is written", async () => {
    const { name, job } = wiki({ files: { "Home.md": "Hello\n" } })
    await runWikiJob(job())
    const clone = mkdtempSync(join(folder, "clone-"))
    execFileSync("git", ["clone", "-q", join(server.dir, name), clone])
    writeFileSync(join(clone, "data/wiki.json"), "<<<<<<< HEAD")
    execFileSync("git", ["-C", clone, "-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qam", "break"])
    execFileSync("git", ["-C", clone, "push", "-q"])
    const head = server.git(name, "rev-parse", "master")
    expect(failed(await runWikiJob(job()))).toMatchObject({ reason: "wiki-problem" })
    expect(server.git(name, "rev-parse", "master")).toBe(head)
  })
})

describe("races", () => {
  test(
    "twenty publishers at once lose no row, the old pipeline's rows stay",
    { timeout: 240_000 },
    async () => {
      const oldRow =
        "|[`4a59260`](https://github.com/o/r/commit/4a59260)|`o/base:2023.2-4a59260`|[Link](https://x/y)|"
      const old = `Welcome!\n\n| Commit | Image | Manifest |\n|--------|-------|----------|\n${oldRow}`
      const { name, job } = wiki({ files: { "Home.md": old } })
      const shas = Array.from({ length: 20 }, (_, index) => (index + 10).toString(16).repeat(5))
      const results = await Promise.all(
        shas.map((sha, index) => {
          const change = publicationOf(sha, [manifestOf("base", `2026.4-branch${index}`)])
          return runWikiJob(job({ action: { kind: "update", change } }))
        }),
      )
      expect(results.map(({ kind }) => kind)).toEqual(shas.map(() => "pushed"))
      const rows = home(name)
        .split("\n")
        .filter((line) => line.startsWith("|["))
      expect(rows).toHaveLength(21)
      expect(rows.at(-1)).toBe(oldRow)
      for (const sha of shas) expect(rows.filter((row) => row.includes(sha.slice(0, 7)))).toHaveLength(1)
      // One commit each, on top of the seed: nobody pushed by force.
      expect(server.git(name, "rev-list", "--count", "master").trim()).toBe("21")
      expect(server.git(name, "rev-list", "--merges", "--count", "master").trim()).toBe("0")
    },
  )

  test("eight publishers at once on an empty wiki", { timeout: 240_000 }, async () => {
    const { name, job } = wiki()
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, index) => {
        const change = publicationOf(`${index + 10}abcdef0`, [manifestOf(`image${index}`)])
        return runWikiJob(job({ action: { kind: "update", change } }))
      }),
    )
    expect(results.filter(({ kind }) => kind !== "pushed")).toEqual([])
    expect(home(name).match(/^\|\[/gm)).toHaveLength(8)
  })

  test("gives up after the tries it was given, and says so", async () => {
    const { name, job } = wiki({ files: { "Home.md": "Hello\n" } })
    // A hook that pushes another commit first, whenever somebody pushes.
    const hook = join(server.dir, name, "hooks/pre-receive")
    const other = 'git commit-tree -p master -m other "master^{tree}"'
    writeFileSync(
      hook,
      `#!/bin/sh\nunset GIT_QUARANTINE_PATH\nexport GIT_AUTHOR_NAME=o GIT_AUTHOR_EMAIL=o GIT_COMMITTER_NAME=o GIT_COMMITTER_EMAIL=o\ngit update-ref refs/heads/master $(${other})\n`,
      { mode: 0o755 },
    )
    const result = failed(await runWikiJob(job({ tries: 2 })))
    expect(result).toMatchObject({ reason: "raced", message: expect.stringContaining("2 tries") as string })
  })
})

describe("the token", () => {
  test("is in no command line, environment, output or file of the run", { timeout: 60_000 }, async () => {
    const { job } = wiki({ files: { "Home.md": "Hello\n" } })
    const workFolder = mkdtempSync(join(folder, "work-"))
    const seen = watchProcesses()
    const tool = resolve("dagger/tools/wiki.ts")
    const tsx = resolve("dagger/node_modules/.bin/tsx")
    const good = await runProgram(tsx, [tool, fileWith(JSON.stringify(job({ workFolder })))], {
      GIT_TRACE: "1",
      GIT_TRACE_CURL: "1",
    })
    const wrongToken = fileWith("ghs_wrong1234567890")
    const bad = await runProgram(tsx, [tool, fileWith(JSON.stringify(job({ tokenFile: wrongToken })))])
    const texts = [
      good.stdout,
      good.stderr,
      bad.stdout,
      bad.stderr,
      ...filesBelow(workFolder),
      ...seen.stop(),
    ]
    expect(good.status).toBe(0)
    expect(JSON.parse(good.stdout)).toMatchObject({ kind: "pushed" })
    expect(bad.status).toBe(1)
    expect(bad.stderr).toContain("refused the token")
    expect(seen.count()).toBeGreaterThan(3)
    const secrets = [token, "ghs_wrong1234567890"]
    const forms = secrets.flatMap((each) => [
      each,
      encodeURIComponent(each),
      Buffer.from(`${user}:${each}`).toString("base64"),
    ])
    for (const form of forms) expect(texts.filter((text) => text.includes(form))).toEqual([])
  })
})

/** Reads command lines and environments of all git and shell processes, as often as it can, until it is stopped. */
function watchProcesses(): { readonly stop: () => readonly string[]; readonly count: () => number } {
  const found = new Set<string>()
  const timer = setInterval(() => {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      const commandLine = readProcess(pid, "cmdline")
      if (!/git|printf|tsx/.test(commandLine)) continue
      found.add(commandLine)
      found.add(readProcess(pid, "environ"))
    }
  }, 2)
  const stop = (): readonly string[] => {
    clearInterval(timer)
    return [...found]
  }
  return {
    stop,
    count: () => [...found].filter((text) => text.startsWith("git") || text.includes("/git")).length,
  }
}

function readProcess(pid: string, what: string): string {
  try {
    return readFileSync(`/proc/${pid}/${what}`, "latin1")
  } catch {
    return ""
  }
}

function filesBelow(path: string): readonly string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1"))
}
