import { afterAll, beforeAll, expect, test } from "vitest"
import type { Step } from "../../dagger/lib/plan/planDocument.js"
import { sharedEngine } from "../support/enginePlace.js"
import type { Fault, FaultRule } from "../support/faultProxy.js"
import type { ByImage, FixtureRun } from "../support/fixtureStacks.js"
import { FixtureStack } from "../support/fixtureStacks.js"

// Every image of this stack meets a fault of its own at the registry: one call shows them all, and that none of them
// touches another image.

const status = (code: number, headers: Readonly<Record<string, string>> = {}): Fault => ({
  kind: "status",
  status: code,
  headers,
  body: JSON.stringify({ errors: [{ code: "FAULT", message: `answer ${code} of the test` }] }),
})

/** Faults by the image that meets them. */
const faults: ByImage<Pick<FaultRule, "fault" | "times">> = {
  unauthorized: { fault: status(401, { "www-authenticate": 'Basic realm="test"' }) },
  denied: { fault: status(403) },
  missing: { fault: status(404) },
  busy: { fault: status(429, { "retry-after": "0.2" }), times: 2 },
  broken: { fault: status(500) },
  hanging: { fault: { kind: "hang" } },
}

const names = Object.keys(faults)
const images = Object.fromEntries(
  [...names, "sound", "unwritten"].map((name) => [
    name,
    { files: { Dockerfile: `FROM debian:bookworm-slim\nRUN echo ${name} > /${name}\n` } },
  ]),
)

let world: FixtureStack
let planned: ReadonlyMap<string, Step>
let pushed: FixtureRun
let tagged: FixtureRun
let stranger: FixtureRun
let lost: FixtureRun

beforeAll(async () => {
  world = await FixtureStack.start(images)
  await world.git("checkout", "--quiet", "-b", "work")
  makeFail("planning", (path) => new RegExp(`^${path}/`))
  for (const method of ["POST", "PUT"])
    makeFail("pushing", (path) => new RegExp(`^${path}/(?:blobs/uploads|manifests/candidate-)`), method)
  makeFail("tagging", (path) => new RegExp(`^${path}/manifests/2026`), "PUT")
  // A registry that says yes, and forgets; for a run that another one overtakes it looks the same.
  world.front.add({ method: "PUT", path: /^\/v2\/tagging\/unwritten\/manifests\/2026/, fault: status(201) })
  const one = ["--publish", "--only=sound", "--registry-username=robot"]
  // Side by side: most of their time is spent on waiting for what hangs.
  ;[planned, pushed, tagged, stranger, lost] = await Promise.all([
    world.plan(...world.login("planning")),
    world.run(...world.publishing("pushing"), "--publish-each", "--parallel=7"),
    world.run(...world.publishing("tagging"), "--parallel=7"),
    world.run(...one, `--registry=${world.host}/stranger`, "--registry-password=env://HOME"),
    world.run(
      ...one,
      `--registry=${sharedEngine.bridge}:9/lost`,
      "--registry-password=env://FIXTURE_PASSWORD",
    ),
  ])
})

afterAll(() => world.stop())

/** Makes the requests of an organisation fail that match. */
function makeFail(organisation: string, pattern: (path: string) => RegExp, method?: string): void {
  const rules = Object.entries(faults).map(([name, { fault, times }]): FaultRule => {
    const path = pattern(`/v2/${organisation}/${name}`)
    return { path, fault, ...(times !== undefined && { times }), ...(method !== undefined && { method }) }
  })
  world.front.add(...rules)
}

/** What was done for an image, and the message of a failure. */
function ending(run: FixtureRun, name: string): string {
  const { outcome, published } = run.image(name)
  const message = "message" in outcome ? outcome.message : outcome.kind
  return `${outcome.kind}, ${published ? "published" : "not published"}: ${message}`
}

test.each([
  ["unauthorized", /^build: .*401/],
  ["denied", /^build: .*403/],
  ["missing", /^build: files-changed,nothing-published$/],
  ["busy", /^build: files-changed,nothing-published$/],
  ["broken", /^build: .*500/],
  ["hanging", /^build: .*no whole answer within 10 s/],
  ["sound", /^build: files-changed,nothing-published$/],
])("planning, %s: %s", (name, expected) => {
  const { action, reasons = [] } = planned.get(name) ?? {}
  const unknown = reasons.find((reason) => reason.kind === "registry-unknown")
  expect(`${action}: ${unknown?.why ?? reasons.map(({ kind }) => kind).join()}`).toMatch(expected)
})

const taken = /^untested, published/

test.each([
  ["unauthorized", /^publish-failed, not published: .*401 Unauthorized/],
  ["denied", /^publish-failed, not published: .*403 Forbidden/],
  ["missing", /^publish-failed, not published: .*404 Not Found/],
  ["busy", taken],
  ["broken", /^publish-failed, not published: .*500 Internal Server Error/],
  ["hanging", /^publish-failed, not published: .*no answer within \d+ s/],
  ["sound", taken],
])("pushing, %s: %s", async (name, expected) => {
  expect(ending(pushed, name)).toMatch(expected)
  const isTaken = expected === taken
  expect(pushed.image(name).digest !== undefined).toBe(isTaken)
  expect(await world.tags(name, "pushing")).toEqual(isTaken ? ["2026.4-work"] : [])
})

test.each([
  ["unauthorized", /^publish-failed, not published: .*401 unauthorized/],
  ["denied", /^publish-failed, not published: .*403 denied/],
  ["missing", /^publish-failed, not published: .*404 not found/],
  ["busy", taken],
  ["broken", /^publish-failed, not published: .*500 internal error/],
  ["hanging", /^publish-failed, not published: .*no whole answer within 10 s/],
  ["sound", taken],
])("tagging, %s: %s", async (name, expected) => {
  expect(ending(tagged, name)).toMatch(expected)
  expect(await world.tags(name, "tagging")).toEqual(expected === taken ? ["2026.4-work"] : [])
})

test("a tag that does not name what this run has put there is no published image", async () => {
  expect(ending(tagged, "unwritten")).toMatch(
    /^publish-failed, not published: \S+unwritten:2026\.4-work: it names nothing and not \w{12}, which this run has put there/,
  )
  expect(await world.tags("unwritten", "tagging")).toEqual([])
})

test("what was tried again stands in the report, once for each cause", async () => {
  const { retries } = tagged.report
  const waits = retries
    .filter(({ request }) => request.includes("/busy/"))
    .map((retry) => retry.waitMilliseconds)
  // Retry-After was 0.2 s.
  expect(waits).toEqual([200, 200])
  expect(await tagged.text("report.md")).toMatch(/tried again: .*429/)
  expect(await tagged.text("report.md")).toMatch(/published: .*busy:2026\.4-work \w+, .*sound:2026\.4-work/)
})

test("wrong credentials, and a registry that is not there: the image fails to publish, and says why", async () => {
  expect(ending(stranger, "sound")).toMatch(/^publish-failed, not published: .*401/)
  expect(ending(lost, "sound")).toMatch(/^publish-failed, not published: .*connection refused/)
  for (const run of [stranger, lost]) {
    expect(run.ended.stderr).toContain("published: nothing")
    expect(run.ended.stderr).not.toContain(world.registry.login?.password)
  }
  expect(await world.tags("sound", "stranger")).toEqual([])
})
