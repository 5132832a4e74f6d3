import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { planMarkdown } from "../../dagger/lib/plan/markdown.js"
import type { Plan } from "../../dagger/lib/plan/planDocument.js"
import { readPlan } from "../../dagger/lib/plan/planDocument.js"
import type { AptRepository } from "../support/aptRepository.js"
import { startAptRepository } from "../support/aptRepository.js"
import { sharedEngine } from "../support/enginePlace.js"
import { FixtureStack, childImage, rootImage } from "../support/fixtureStacks.js"

// Main's images and a repository of packages that moves on: no file of the stack changes any more.

let apt: AptRepository
let world: FixtureStack

beforeAll(async () => {
  apt = await startAptRepository()
  await Promise.all([apt.release("greeting", "1.0"), apt.release("pinned", "1.0")])
  const source = `deb [trusted=yes] http://${sharedEngine.bridge}:${apt.port} ./`
  const lines = [
    `RUN rm -rf /etc/apt/sources.list.d && echo "${source}" >/etc/apt/sources.list`,
    "RUN apt-get update -qq && apt-get install -qq -y greeting pinned=1.0 && rm -rf /var/lib/apt/lists/*",
  ]
  world = await FixtureStack.start({
    base: rootImage("base"),
    left: childImage("left", "base", lines),
    leaf: childImage("leaf", "left"),
    python: childImage("python", "base", pythonLines, {
      "requirements.txt": "six<1.17\nidna==3.7 --hash=sha256:00\n",
    }),
  })
})

afterAll(async () => {
  await world.stop()
  await apt.stop()
})

/** Versions that only the shell knows: what a Dockerfile names is a range, or a pin. */
const pythonLines = [
  "RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends python3-venv >/dev/null && python3 -m venv /opt/venv",
  'ENV PATH="/opt/venv/bin:$PATH"',
  "COPY requirements.txt /requirements.txt",
  "RUN old=1.15.0 older=3.6 && pip install --quiet six==$old idna==$older",
  // What runs the image's tests is this Python.
  "RUN pip install --quiet pytest==8.4.1 iniconfig==2.1.0 packaging==25.0 pluggy==1.6.0 pygments==2.19.2",
]

const keep = { base: "reuse", left: "reuse", leaf: "reuse", python: "reuse" }
const renew = { ...keep, left: "build", leaf: "build" }
const label = async () => (await world.labels("left", "2026.4-main"))["io.github.jupyter-stack.fresh"]

async function planOf(): Promise<Plan> {
  const ended = await world.call("plan", "--source=.", ...world.login(), "json")
  if (ended.status !== 0) throw new Error(ended.stderr.slice(-3000))
  return readPlan(ended.stdout)
}

/** What a plan says of images that were asked and could not tell. */
const unasked = (plan: Plan) => plan.notices.filter((notice) => notice.includes("asked for updates"))

function actionsOf(plan: Plan): Readonly<Record<string, string>> {
  return Object.fromEntries(plan.steps.map(({ image, action }) => [image, action]))
}

test("newer packages are nothing to a key; with max_age they are, and the plan lists them", async () => {
  const first = await world.publish()
  expect(first.outcomes).toEqual({ base: "passed", left: "passed", leaf: "passed", python: "passed" })
  await Promise.all([apt.release("greeting", "1.1"), apt.release("pinned", "1.1")])
  expect((await world.publish()).actions).toEqual(keep)
  const spec = JSON.parse(await world.read("spec.yml")) as { images: Record<string, object> }
  for (const name of ["left", "leaf"]) spec.images[name] = { ...spec.images[name], max_age: "7 d" }
  await world.write({ "spec.yml": JSON.stringify(spec) })
  const plan = await planOf()
  expect(actionsOf(plan)).toEqual(renew)
  expect(planMarkdown(plan)).toContain(
    "| `left` | **build** | max_age: of unknown age, 2 updates: greeting 1.0 -> 1.1, pinned 1.0 -> 1.1 |",
  )
})

test("a plan is repeated with its day, and brings what can be brought; what cannot rebuilds nothing again", async () => {
  const plan = await planOf()
  const day = new Date(Date.now() - 9 * 86_400_000).toISOString().slice(0, 10)
  const older = JSON.stringify(plan).replaceAll(/("word":")\d{4}-\d\d-\d\d/g, `$1${day}`)
  const path = join(world.folder, "older.json")
  await writeFile(path, older)
  const run = await world.publish(`--plan=${path}`)
  expect(run.actions).toEqual(renew)
  expect(run.outcomes).toEqual({ base: "reused", left: "passed", leaf: "passed", python: "reused" })
  expect(await label()).toMatch(new RegExp(`^${day}-[0-9a-f]{8}$`))
  const next = await planOf()
  expect(actionsOf(next)).toEqual(keep)
  // The rest of it: greeting is 1.1 by now, in the image.
  expect(next.steps[1]?.reasons.at(-1)).toMatchObject({
    kind: "no-updates",
    days: 9,
    left: [{ manager: "apt", name: "pinned", from: "1.0", to: "1.1" }],
  })
  // What an image has from its parent is asked of the parent.
  expect(next.steps[2]?.reasons.at(-1)).toMatchObject({ kind: "no-updates", days: 9, left: [] })
  expect(unasked(next)).toEqual([])
  apt.isDown = true
  const without = await planOf()
  apt.isDown = false
  expect(actionsOf(without)).toEqual(keep)
  expect(unasked(without).join()).toMatch(/left could not be asked for updates, apt: exit status 100: .*503/)
})

test("the next version builds anew; then the image is young, and nobody asks", async () => {
  await apt.release("greeting", "1.2")
  const before = (await world.manifest("left", "2026.4-main")).digest
  const run = await world.publish()
  expect(run.actions).toEqual(renew)
  expect(run.image("left").reasons.join()).toMatch(
    /^max_age: 9 d old \(of at most 7\), 1 update: greeting 1\.1 -> 1\.2$/,
  )
  expect((await world.manifest("left", "2026.4-main")).digest).not.toBe(before)
  expect(await label()).toMatch(new RegExp(`^${new Date().toISOString().slice(0, 10)}-`))
  await apt.release("greeting", "1.3")
  const plan = await planOf()
  expect(actionsOf(plan)).toEqual(keep)
  expect(plan.steps[1]?.reasons.map(({ kind }) => kind)).not.toContain("no-updates")
})

test("pip is asked within the ranges of the source: of PyPI itself, what they allow, and nothing that is pinned", async () => {
  const spec = JSON.parse(await world.read("spec.yml")) as { images: Record<string, object> }
  spec.images.python = { ...spec.images.python, max_age: "7 d" }
  await world.write({ "spec.yml": JSON.stringify(spec) })
  const plan = await planOf()
  expect(unasked(plan)).toEqual([])
  const [reason] = plan.steps.find(({ image }) => image === "python")?.reasons ?? []
  if (reason?.kind !== "updates") throw new Error(JSON.stringify(reason))
  expect(reason.updates.filter(({ manager }) => manager === "pip")).toEqual([
    { manager: "pip", name: "six", from: "1.15.0", to: "1.16.0" },
  ])
})
