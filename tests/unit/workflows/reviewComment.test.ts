import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { IncomingMessage, Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest"
import type { Review } from "../../../dagger/lib/review/review.js"
import { reviewedImage } from "../../../dagger/lib/review/review.js"
import { existingReview, sides } from "../../support/reviews.js"
import type { Ended } from "../../support/stack.js"
import { checkout, run } from "../../support/stack.js"
import { runWorkflow } from "../../support/runner.js"
import { readWorkflow } from "../../support/workflow.js"
import { workflowRunEvent } from "../../support/workflowEvents.js"
import { workflowRepository } from "../../support/workflowRepository.js"

interface Comment {
  readonly id: number
  readonly user: { readonly login: string }
  body: string
}

const sha = "0123456789abcdef0123456789abcdef01234567"
const token = "ghs_comments4711"
const repository = "ucsd-ets/datahub-docker-stack"

// GitHub's REST API as far as the script uses it: pulls, issues/comments ("Pull requests", "Issue comments").
let server: Server
let comments: Comment[] = []
let writes: string[] = []
let headSha = sha
let folder = ""

beforeAll(async () => {
  server = createServer((request, response) => {
    void answer(request).then(([status, document]) => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(document))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
})

afterAll(() => {
  server.close()
})

beforeEach(() => {
  comments = [{ id: 1, user: { login: "ada" }, body: "<!-- stack-review --> not the bot's" }]
  writes = []
  headSha = sha
  folder = mkdtempSync(join(tmpdir(), "review-"))
  return () => {
    rmSync(folder, { recursive: true })
  }
})

async function answer(request: IncomingMessage): Promise<readonly [number, unknown]> {
  if (request.headers.authorization !== `Bearer ${token}`) return [401, { message: "Bad credentials" }]
  const url = new URL(request.url ?? "/", "http://localhost")
  const path = url.pathname.replace(`/repos/${repository}/`, "")
  const { method = "" } = request
  if (method === "GET" && path === "pulls") {
    const isAsked = url.searchParams.get("head") === "mallory:a b&state=closed"
    return [
      200,
      isAsked
        ? [
            { number: 6, head: { sha: "other" } },
            { number: 7, head: { sha: headSha } },
          ]
        : [],
    ]
  }
  if (method === "GET" && path === "issues/7/comments") {
    const page = Number(url.searchParams.get("page"))
    return [200, comments.slice((page - 1) * 100, page * 100)]
  }
  let text = ""
  for await (const chunk of request) text += String(chunk)
  const { body } = JSON.parse(text) as { readonly body: string }
  writes.push(`${method} ${path}`)
  if (method === "POST" && path === "issues/7/comments") {
    comments.push({ id: comments.length + 1, user: { login: "github-actions[bot]" }, body })
    return [201, {}]
  }
  const known = comments.find(({ id }) => path === `issues/comments/${id}`)
  if (method !== "PATCH" || known === undefined) return [404, { message: "Not Found" }]
  known.body = body
  return [200, {}]
}

async function comment(review: Review | string | undefined): Promise<Ended> {
  const text = typeof review === "string" ? review : JSON.stringify(review)
  if (review !== undefined) writeFileSync(join(folder, "review.json"), text)
  const { port } = server.address() as AddressInfo
  const env = {
    GITHUB_API_URL: `http://127.0.0.1:${port}`,
    GITHUB_REPOSITORY: repository,
    GITHUB_TOKEN: token,
    HEAD_OWNER: "mallory",
    HEAD_BRANCH: "a b&state=closed",
    HEAD_SHA: sha,
    RUN_URL: `https://github.example/${repository}/actions/runs/12`,
  }
  return run(join(checkout, ".github/review-comment.sh"), [folder], { cwd: folder, env })
}

const last = () => comments.at(-1)?.body ?? ""

it("comments once, and keeps the comment up to date", async () => {
  const first = await comment(existingReview())
  expect(first.stderr).toBe("")
  expect(first.status).toBe(0)
  expect(last()).toContain(
    "**What this pull request changes in the images**, against `2026.4-main`, as of `0123456789ab` ([run](https://github.example/ucsd-ets/datahub-docker-stack/actions/runs/12)):",
  )
  expect(last()).toContain(
    "| `left` | 1 upgraded, 1 added | 74.8 MB → 84.8 MB (+10 MB) | 1 → 2 | 3 passed → 2 passed, 1 failed | 1 min |",
  )
  expect(last()).toContain("| `numpy` | upgraded | `1.26.4` | `2.0.0` |\n| `polars` | added |  | `1.0` |")
  expect(last()).toContain("| `fresh` | **new image** |")
  expect(last()).toContain("| `lost` | not known: the run's summary tells why |")
  expect(last()).toContain("The same as there: `base`.")
  await comment({ ...existingReview(), images: [{ kind: "same", name: "base" }] })
  expect(last()).toContain("Nothing.")
  expect(writes).toEqual(["POST issues/7/comments", "PATCH issues/comments/2"])
  expect(comments).toHaveLength(2)
})

it("finds its comment behind a hundred others", async () => {
  comments = Array.from({ length: 130 }, (_, index) => ({
    id: index + 1,
    user: { login: "ada" },
    body: "yes",
  }))
  await comment(existingReview())
  await comment(existingReview())
  expect(writes).toEqual(["POST issues/7/comments", "PATCH issues/comments/131"])
})

it("writes nothing where no open pull request has the commit, or the run told nothing", async () => {
  headSha = "f".repeat(40)
  expect((await comment(existingReview())).stdout).toContain("No open pull request has this commit")
  headSha = sha
  rmSync(join(folder, "review.json"))
  symlinkSync("/etc/hostname", join(folder, "review.json"))
  expect((await comment(undefined)).stdout).toContain("no comment")
  expect(writes).toEqual([])
})

it("lets no word of the artifact become a link, a mention, HTML or a row", async () => {
  const bad = [
    "@admin",
    "www.evil.example",
    "<img src=x>",
    "a|b",
    "`x`",
    "x\n\n# Passed",
    "[a](http://evil)",
    "a b",
  ]
  const packages = bad.map((name) => ({ name, version: "1" }))
  const { before, after, milliseconds } = sides()
  const image = { ...after, packages: { pip: { kind: "listed" as const, packages } } }
  const reviewed = reviewedImage({ before, after: image, milliseconds })
  const ended = await comment({
    version: 1,
    against: "x](http://evil)",
    images: [{ ...reviewed, name: "a<b>" }],
  })
  expect(ended.status, ended.stderr).toBe(0)
  expect(last()).not.toMatch(/evil\)|<img|<b>|# Passed/)
  // What has no space and no mark of Markdown stays, but only as code.
  expect(last().replaceAll(/`[^`\n]*`/g, "")).not.toMatch(/@admin|www\./)
  expect(last()).toContain("against `?`")
})

it.each([
  ["[]"],
  ["{"],
  ['{"version": 2}'],
  ['{"version": 1, "against": "a", "images": [{"kind": "other"}]}'],
  ['{"version": 1, "against": 7, "images": []}'],
  ['{"version": 1, "against": "a", "images": [{"kind": "new", "name": "a", "milliseconds": "1 | <b>"}]}'],
])("fails with %s, and writes nothing", async (text) => {
  expect((await comment(text)).status).not.toBe(0)
  expect(writes).toEqual([])
})

it("says what GitHub refuses, without the token", async () => {
  const review = existingReview()
  comments = []
  const { port } = server.address() as AddressInfo
  writeFileSync(join(folder, "review.json"), JSON.stringify(review))
  const ended = await run(join(checkout, ".github/review-comment.sh"), [folder], {
    cwd: folder,
    env: {
      GITHUB_API_URL: `http://127.0.0.1:${port}`,
      GITHUB_REPOSITORY: repository,
      GITHUB_TOKEN: "wrong",
      HEAD_OWNER: "m",
      HEAD_BRANCH: "b",
      HEAD_SHA: sha,
      RUN_URL: "u",
    },
  })
  expect(ended.status).not.toBe(0)
  expect(ended.stderr).toContain("401")
})

it("stays short where very much changes", async () => {
  const many = Array.from({ length: 3000 }, (_, index) => `package-${index} 1.0`).join(", ")
  const images = Array.from({ length: 12 }, (_, index) => reviewedImage(sides(`image-${index}`, many)))
  const ended = await comment({ version: 1, against: "2026.4-main", images })
  expect(ended.status, ended.stderr).toBe(0)
  expect(last().length).toBeLessThan(65_000)
  expect(last()).toContain("more are in the run's summary.")
  expect((last().match(/<details>/g) ?? []).length).toBe((last().match(/<\/details>/g) ?? []).length)
})

it("is what the workflow does after the run of a fork's pull request, in the runner's stand-in", async () => {
  const origin = await workflowRepository([".github"])
  const commit = await origin.commit("main", "second", { "README.md": "text" })
  mkdirSync(join(folder, "build-artifacts"))
  writeFileSync(join(folder, "build-artifacts/review.json"), JSON.stringify(existingReview()))
  const { port } = server.address() as AddressInfo
  const start = async (event: string, artifactsOfRun = folder) => {
    const about = { event, owner: "mallory", branch: "a b&state=closed", head: sha }
    const workflow = readWorkflow(join(checkout, ".github/workflows/review.yml"))
    const done = await runWorkflow(workflow, workflowRunEvent(commit, about), {
      origin: origin.folder,
      repository,
      serverUrl: "https://github.example",
      artifactsOfRun,
      token: (permissions) => (permissions["pull-requests"] === "write" ? token : "reads"),
      path: "/usr/local/bin:/usr/bin:/bin",
      env: { GITHUB_API_URL: `http://127.0.0.1:${port}` },
    })
    await done?.remove()
    return done?.jobs.get("comment")
  }
  expect((await start("push"))?.conclusion).toBe("skipped")
  expect((await start("pull_request"))?.conclusion).toBe("success")
  expect(writes).toEqual(["POST issues/7/comments"])
  expect(last()).toContain("against `2026.4-main`, as of `0123456789ab` ([run](https://github.example/")
  const empty = join(folder, "none")
  mkdirSync(empty)
  expect((await start("pull_request", empty))?.conclusion).toBe("success")
  expect(writes).toHaveLength(1)
  await origin.remove()
})

it("is run by a workflow that neither checks out nor runs anything of the pull request", () => {
  const text = readFileSync(join(checkout, ".github/workflows/review.yml"), "utf8")
  expect(text).not.toMatch(/^\s+ref:/m)
  const steps = readWorkflow(join(checkout, ".github/workflows/review.yml")).jobs.flatMap((job) => job.steps)
  const scripts = steps.filter(({ run: script }) => script !== undefined)
  expect(scripts.map(({ name }) => name)).toEqual(["Fetch the tool", "Comment"])
  expect(scripts[1]?.run).toBe('bash "$STACK_TOOL/.github/review-comment.sh" build/build-artifacts')
})
