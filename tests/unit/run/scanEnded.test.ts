import { expect, test } from "vitest"
import type { ImageOutcome } from "../../../dagger/lib/report/report.js"
import type { EndedImage } from "../../../dagger/lib/run/execution.js"
import { Progress } from "../../../dagger/lib/run/progress.js"
import { ImageRecord } from "../../../dagger/lib/run/record.js"
import type { RunScan } from "../../../dagger/lib/run/scanEnded.js"
import { scanEnded } from "../../../dagger/lib/run/scanEnded.js"
import { loadSpec } from "../../../dagger/lib/spec/loadSpec.js"
import { jobOf } from "../../support/imageJobs.js"
import { stackOf } from "../../support/source.js"

// What the scan before tags makes of images that nobody could look into: no scanner is needed for that.

const [amd, arm] = ["linux/amd64", "linux/arm64"] as const

function endOf(kind: "passed" | "reused" | "skipped", platform?: string): EndedImage {
  const record = new ImageRecord("base", new Progress(1, () => undefined, noCounts), [])
  const outcome: ImageOutcome =
    kind === "skipped" ? { kind, because: "parent", reason: "its parent failed" } : { kind }
  const job = { ...jobOf("base", kind === "reused" ? "reuse" : "build"), platform }
  return { kind: "ended", job, record, outcome, published: false }
}

const noCounts = { refresh: () => Promise.resolve(), describe: () => undefined }

const run = {
  context: {
    spec: loadSpec(stackOf({ base: {} }, { spec: { platforms: [amd, arm] } })),
    tag: "2026.4-main",
    platform: amd,
    startedAt: 0,
    source: { branch: "main", dirty: false },
  },
} as unknown as RunScan

async function outcomeOf(image: EndedImage): Promise<unknown> {
  const { images } = await scanEnded([image], run)
  return images[0]?.outcome
}

const message = "it could not be scanned: no run looked into it"

test("an image that was made and could not be looked into has failed", async () => {
  expect(await outcomeOf(endOf("passed"))).toEqual({ kind: "check-failed", message })
})

test("so has one of several platforms, with the name of that", async () => {
  const part = (platform: string, kind: "passed" | "reused") => {
    return { platform, isEmulated: false, tests: "full" as const, image: endOf(kind, platform) }
  }
  const image = { ...endOf("passed"), platforms: [part(amd, "reused"), part(arm, "passed")] }
  expect(await outcomeOf(image)).toEqual({ kind: "check-failed", message: `${arm}: ${message}` })
})

test.each(["reused", "skipped"] as const)("nothing is asked of what is %s", async (kind) => {
  expect(await outcomeOf(endOf(kind))).toMatchObject({ kind })
})
