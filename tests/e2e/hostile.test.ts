import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { hostileFolders } from "../support/hostileTests.js"
import type { Files } from "../support/source.js"
import { stackFiles } from "../support/source.js"
import { removeFolder, stack, workspace } from "../support/stack.js"
import { ReadReport } from "../support/testImages.js"

/** Debian's pytest with the plug-ins that report in ways of their own. The same for all images: built once. */
const dockerfile = `FROM debian:bookworm-slim
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends python3-pytest python3-pytest-subtests python3-pytest-xdist >/dev/null
RUN useradd --create-home --uid 1000 student
USER student
`

const images = Object.fromEntries(
  Object.entries(hostileFolders).map(([name, { files }]) => {
    const tests: Files = Object.fromEntries(
      Object.entries(files).map(([path, text]) => [`test/${path}`, text] as const),
    )
    return [name, { files: { Dockerfile: dockerfile, ...tests } }]
  }),
)

let folder = ""
let run: ReadReport

beforeAll(async () => {
  const spec = { tests: { timeout: "30 s", image_timeout: "2 min" } }
  folder = await workspace(stackFiles(images, { spec }))
  const call = ["build-stack", "--source=.", "artifacts", "export", "--path=out"]
  const ended = await stack(call, { cwd: folder })
  expect(ended.status, ended.stderr.slice(-3000)).toBe(0)
  run = await ReadReport.from(join(folder, "out"))
})

afterAll(() => removeFolder(folder))

test("there are at least forty of them", () => {
  expect(Object.keys(hostileFolders).length).toBeGreaterThanOrEqual(40)
})

test.each(Object.entries(hostileFolders))("%s", (name, { outcome, reason = "", tests }) => {
  const image = run.image(name)
  const found = image.suites.flatMap((suite) => suite.run.tests)
  const outcomes = found.map(({ id, outcome: each }) => [id.split("::").slice(1).join("::") || id, each])
  expect({
    outcome: image.outcome.kind,
    reason: "reason" in image.outcome ? image.outcome.reason : "",
    tests: Object.fromEntries(outcomes) as unknown,
  }).toEqual({ outcome, reason: expect.stringContaining(reason) as string, tests })
})
