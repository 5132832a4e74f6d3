import { stringify } from "yaml"
import { countTests } from "../testing/testRun.js"
import type { ImageReport, PlatformReport } from "./report.js"
import { isFailed } from "./report.js"

/** `artifacts/<image>.yaml`: one image's result for people and scripts, as the old pipeline kept it. */
export function renderImageYaml(image: ImageReport): string {
  const { kind, ...detail } = image.outcome
  return stringify({
    image: image.name,
    reference: image.reference,
    published: image.published,
    ...(image.furtherTags !== undefined && { further_tags: image.furtherTags }),
    digest: image.digest ?? null,
    input_key: image.inputKey,
    action: image.action,
    reasons: image.reasons,
    successful: !isFailed(image),
    outcome: kind,
    ...detail,
    unpacked_bytes: image.unpackedBytes ?? null,
    tests: Object.fromEntries(
      image.suites.map((suite) => [
        suite.kind,
        { seconds: suite.run.seconds, ...countTests(suite.run.tests) },
      ]),
    ),
    steps: image.steps.map((step) => ({
      name: step.name,
      started_at: new Date(step.startedAt).toISOString(),
      seconds: step.milliseconds / 1000,
    })),
    notices: image.notices,
    logs: image.logs,
    ...(image.platforms !== undefined && { platforms: image.platforms.map(platformYaml) }),
  })
}

function platformYaml({
  platform,
  emulated,
  tests,
  action,
  outcome,
  digest,
  inputKey,
  unpackedBytes,
}: PlatformReport): unknown {
  return {
    platform,
    emulated,
    tests_run: tests,
    action,
    outcome: outcome.kind,
    digest: digest ?? null,
    input_key: inputKey,
    unpacked_bytes: unpackedBytes ?? null,
  }
}
