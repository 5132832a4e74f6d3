import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { IncomingMessage, Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest"
import { runWorkflow } from "../../support/runner.js"
import type { WorkflowRun } from "../../support/runner.js"
import { fakeDagger } from "../../support/fakeDagger.js"
import type { FakeAnswer } from "../../support/fakeDagger.js"
import { checkout, run } from "../../support/stack.js"
import { readWorkflow } from "../../support/workflow.js"
import { dispatchEvent } from "../../support/workflowEvents.js"
import type { WorkflowRepository } from "../../support/workflowRepository.js"
import { workflowRepository } from "../../support/workflowRepository.js"

const token = "ghs_locks4711"
const repository = "ucsd-ets/datahub-docker-stack"
const lock = "images/base/requirements.txt"

let server: Server
let origin: WorkflowRepository
let commit = ""
let folder = ""
let open: readonly object[] = []
let writes: { readonly request: string; readonly document: unknown }[] = []

beforeAll(async () => {
  server = createServer((request, response) => {
    void answer(request).then(([status, document]) => {
      response.writeHead(status).end(JSON.stringify(document))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  origin = await workflowRepository([".github", "dagger.json", "lib"])
  commit = await origin.commit("main", "second", { [lock]: "six==1.15.0\n" })
})

afterAll(async () => {
  server.close()
  await origin.remove()
})

beforeEach(() => {
  open = []
  writes = []
  folder = mkdtempSync(join(tmpdir(), "locks-"))
})

afterEach(() => {
  rmSync(folder, { recursive: true })
})

async function answer(request: IncomingMessage): Promise<readonly [number, unknown]> {
  if (request.headers.authorization !== `Bearer ${token}`) return [401, {}]
  const path = (request.url ?? "").replace(`/repos/${repository}/`, "")
  if (path === "pulls?state=open&head=ucsd-ets:update-locks") return [200, open]
  let text = ""
  for await (const chunk of request) text += String(chunk)
  writes.push({ request: `${request.method ?? ""} ${path}`, document: JSON.parse(text) })
  return [200, {}]
}

async function proposed(answers: FakeAnswer): Promise<WorkflowRun> {
  const fake = fakeDagger(folder, answers)
  const { port } = server.address() as AddressInfo
  const workflow = readWorkflow(join(checkout, ".github/workflows/update_locks.yml"))
  const done = await runWorkflow(workflow, dispatchEvent("main", commit), {
    origin: origin.folder,
    repository,
    serverUrl: "https://github.example",
    token: (permissions) => (permissions["pull-requests"] === "write" ? token : "reads"),
    path: `${fake.bin}:/usr/local/bin:/usr/bin:/bin`,
    env: { GITHUB_API_URL: `http://127.0.0.1:${port}` },
  })
  if (done === undefined) throw new Error("the workflow did not start")
  await done.remove()
  return done
}

const git = async (...args: readonly string[]) =>
  (await run("git", args, { cwd: origin.folder })).stdout.trim()
const answers = (version: string): FakeAnswer => ({
  report: { ok: true },
  markdown: `# Locks\n\n| six | \`1.15.0\` | \`${version}\` |\n`,
  files: { [`files/${lock}`]: `six==${version}\n` },
})

it("pushes a branch, opens a pull request, and keeps both up to date", async () => {
  const first = await proposed(answers("1.16.0"))
  expect(first.conclusion, first.log).toBe("success")
  expect(await git("show", `update-locks:${lock}`)).toBe("six==1.16.0")
  expect(await git("rev-parse", "update-locks^")).toBe(commit)
  expect(writes).toEqual([
    {
      request: "POST pulls",
      document: expect.objectContaining({
        head: "update-locks",
        base: "main",
        title: "Lock files made anew",
      }) as unknown,
    },
  ])
  expect(JSON.stringify(writes)).toContain("| six | `1.15.0` | `1.16.0` |")
  expect(first.log).not.toContain(token)

  open = [{ number: 9 }]
  expect((await proposed(answers("1.17.0"))).conclusion).toBe("success")
  expect(await git("show", `update-locks:${lock}`)).toBe("six==1.17.0")
  expect(await git("rev-parse", "update-locks^")).toBe(commit)
  expect(writes.map(({ request }) => request)).toEqual(["POST pulls", "PATCH pulls/9"])
})

it("proposes nothing where nothing differs, and nothing of a resolver that failed", async () => {
  expect((await proposed({ report: { ok: true } })).conclusion).toBe("success")
  expect((await proposed(answers("1.15.0"))).conclusion).toBe("success")
  const failed = await proposed({ ...answers("1.18.0"), report: { ok: false } })
  expect(failed.jobs.get("propose")?.conclusion).toBe("skipped")
  expect(writes).toEqual([])
})

it.each([["lib/call.sh"], ["images/base/new.txt"], ["README.md"]])(
  "takes no %s: files of images/ that git has, and no links",
  async (path) => {
    const done = await proposed({ report: { ok: true }, files: { [`files/${path}`]: "evil\n" } })
    expect(done.jobs.get("propose")?.conclusion).toBe("failure")
    expect(writes).toEqual([])
  },
)

it("takes no link in the place of a lock file", async () => {
  const link = join(folder, "files", lock)
  mkdirSync(dirname(link), { recursive: true })
  symlinkSync("/etc/hostname", link)
  writeFileSync(join(folder, "report.md"), "")
  const script = join(checkout, ".github/propose-locks.sh")
  expect((await run(script, [folder], { cwd: origin.folder })).status).toBe(1)
})
