import { describe, expect, test } from "vitest"
import { InputError } from "../../../dagger/lib/problems.js"
import { loadSpec } from "../../../dagger/lib/spec/loadSpec.js"
import { stackOf } from "../../support/source.js"

const digest = `sha256:${"a".repeat(64)}`
const exception = {
  id: "CVE-2026-1",
  package: "pkg:deb/debian/curl",
  reason: "not reached",
  expires: "2027-01-31",
}

function policyOf(vulnerabilities: unknown): ReturnType<typeof loadSpec>["vulnerabilities"] {
  return loadSpec(stackOf({ base: {} }, { spec: { vulnerabilities } })).vulnerabilities
}

describe("a policy", () => {
  test("none", () => {
    expect(loadSpec(stackOf({ base: {} }))).not.toHaveProperty("vulnerabilities")
  })

  test("the least of it, with what is filled in", () => {
    expect(policyOf({ fail_on: "high" })).toEqual({
      failOn: "high",
      onlyFixed: false,
      databaseDays: 5,
      exceptions: [],
      vex: [],
    })
  })

  test("all of it", () => {
    const policy = policyOf({
      fail_on: "critical",
      only_fixed: true,
      database_days: 2,
      scanner: `anchore/grype:v0.121.2@${digest}`,
      exceptions: [exception],
      vex: [{ file: "images/vex.json", expires: "2027-02-28" }],
    })
    expect(policy).toMatchObject({
      failOn: "critical",
      onlyFixed: true,
      databaseDays: 2,
      exceptions: [{ ...exception, location: { file: "spec.yml" } }],
      vex: [{ path: "images/vex.json", expires: "2027-02-28", location: { file: "spec.yml" } }],
    })
  })
})

describe("mistakes", () => {
  const high = { fail_on: "high" }
  test.each<readonly [string, unknown, RegExp]>([
    ["no severity", {}, /:\d+: "fail_on" is missing \(must be negligible, low, medium, high, critical\)/],
    [
      "unknown, which is none to fail on",
      { fail_on: "unknown" },
      /must be negligible, low, medium, high, critical, not/,
    ],
    ["days", { ...high, database_days: 0 }, /"database_days" must be a number of days, not 0/],
    [
      "a scanner's tag",
      { ...high, scanner: "anchore/grype:v0.121.2" },
      /has no digest, so it may be another image/,
    ],
    ["no scanner", { ...high, scanner: "A b" }, /"A b": a repository is lower-case/],
    [
      "without a reason",
      { ...high, exceptions: [{ ...exception, reason: undefined }] },
      /"reason" is missing/,
    ],
    [
      "without an end",
      { ...high, exceptions: [{ ...exception, expires: undefined }] },
      /"expires" is missing/,
    ],
    [
      "a day that there is not",
      { ...high, exceptions: [{ ...exception, expires: "2027-02-30" }] },
      /"expires" must be a day/,
    ],
    [
      "no package URL",
      { ...high, exceptions: [{ ...exception, package: "curl" }] },
      /"curl" is not a package URL/,
    ],
    [
      "VEX outside",
      { ...high, vex: [{ file: "../vex.json", expires: "2027-01-31" }] },
      /"..\/vex.json" is no path in/,
    ],
    ["VEX without an end", { ...high, vex: [{ file: "vex.json" }] }, /"expires" is missing/],
    ["a misspelt key", { ...high, only_fix: true }, /unknown key "only_fix" \(did you mean "only_fixed"\?\)/],
  ])("%s", (_, written, message) => {
    const read = () => policyOf(written)
    expect(read).toThrow(InputError)
    expect(read).toThrow(message)
    expect(read).toThrow(/spec\.yml:\d+:\d+: /)
  })
})
