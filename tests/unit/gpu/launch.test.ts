import { execFileSync } from "node:child_process"
import { describe, expect, it } from "vitest"
import fc from "../../support/fastCheck.js"
import type { GpuTestOptions } from "../../../dagger/lib/gpu/gpuTest.js"
import { InvalidGpuTest, planGpuTest, renderGpuPlan, runGpuTest } from "../../../dagger/lib/gpu/gpuTest.js"
import { InvalidLaunchTemplate, launchWords } from "../../../dagger/lib/gpu/launch.js"
import { shellCommand, shellQuote } from "../../../dagger/lib/text/shell.js"
import { runs } from "../../support/fuzz.js"

const values = { image: "ghcr.io/a/b@sha256:1", tests: "/opt/workflow_tests" }
/** What the launch template of the university's cluster was in the old workflow. */
const launchTemplate = "/opt/launch-sh/bin/launch.sh -i {image} -P Always -g 1 -c 4 -m 32 -f pytest {tests}"
const fingerprint = `SHA256:${"A".repeat(43)}`

function options(changes: Partial<GpuTestOptions> = {}): GpuTestOptions {
  return {
    repository: { registry: "ghcr.io", path: "ucsd-ets/scipy-ml-notebook" },
    tag: "2026.4-main",
    // Nothing listens here: a test that connected would tell "unreachable" and throw nothing.
    host: "127.0.0.1",
    port: 1,
    user: "grader-test-01",
    hostKey: fingerprint,
    credentials: { password: "swordfish" },
    launch: launchTemplate,
    tests: "/opt/workflow_tests",
    timeoutSeconds: 600,
    ...changes,
  }
}

describe("launch templates", () => {
  const templates: readonly [string, string[]][] = [
    ["run {image} {tests}", ["run", values.image, values.tests]],
    ["  run   --image={image}  ", ["run", `--image=${values.image}`]],
    [`sh -c 'exec "$0" $HOME; true' {image}`, ["sh", "-c", 'exec "$0" $HOME; true', values.image]],
    [`run "a b" ''  x'y'"z" {image}`, ["run", "a b", "", "xyz", values.image]],
  ]
  it.each(templates)("splits %s", (template, words) => {
    expect(launchWords(template, values)).toEqual(words)
  })

  const refused: readonly [string, RegExp][] = [
    ["", /is empty/],
    ["run {tests}", /has no \{image\}/],
    ["run {image} {tag}", /\{image\} and \{tests\} are the only placeholders/],
    ["run {image} && reboot", /"&" at character 13; no shell reads it/],
    ["run {image} $HOME", /"\$" at character 13/],
    ["run {image} `id`", /"`"/],
    ["run {image} > file", /">"/],
    ['run {image} "$HOME"', /quote/],
    ["run {image} 'open", /a quote that is not closed/],
    ["run {image}\nreboot", /line break/],
  ]
  it.each(refused)("refuses %j", (template, message) => {
    expect(() => launchWords(template, values)).toThrow(InvalidLaunchTemplate)
    expect(() => launchWords(template, values)).toThrow(message)
  })

  it("quotes any word so that a real shell gives it back", () => {
    const word = fc.string({ unit: "binary" }).map((text) => text.replaceAll("\0", ""))
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
        const script = `printf '%s\\0' ${shellCommand(words)}`
        expect(execFileSync("sh", ["-c", script], { encoding: "utf8" }).split("\0").slice(0, -1)).toEqual(
          words,
        )
      }),
      runs(40),
    )
  })

  it("leaves plain words as they are", () => {
    expect(shellQuote("ghcr.io/a/b@sha256:1")).toBe("ghcr.io/a/b@sha256:1")
    expect(shellQuote("")).toBe("''")
    expect(shellQuote("it's")).toBe(`'it'\\''s'`)
  })
})

describe("planning a GPU test", () => {
  const digest = `sha256:${"ab".repeat(32)}`

  it("launches the digest where it is known, else the tag", () => {
    expect(planGpuTest(options({ digest })).command).toBe(
      `/opt/launch-sh/bin/launch.sh -i ghcr.io/ucsd-ets/scipy-ml-notebook@${digest} -P Always -g 1 -c 4 -m 32 -f pytest /opt/workflow_tests`,
    )
    expect(planGpuTest(options()).launched).toBe("ghcr.io/ucsd-ets/scipy-ml-notebook:2026.4-main")
  })

  it("prints what it would do, without secrets, and says where nothing would happen", () => {
    const text = renderGpuPlan(planGpuTest(options({ digest })))
    expect(text).toMatchInlineSnapshot(`
      "GPU test of ghcr.io/ucsd-ets/scipy-ml-notebook:2026.4-main@sha256:abababababababababababababababababababababababababababababababab (dry run: nothing was connected to)
        log in as   grader-test-01@127.0.0.1:1
        host key    SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
        run         /opt/launch-sh/bin/launch.sh -i ghcr.io/ucsd-ets/scipy-ml-notebook@sha256:abababababababababababababababababababababababababababababababab -P Always -g 1 -c 4 -m 32 -f pytest /opt/workflow_tests
        time limit  600 s; frozen after 60 s of silence; 60 s for the job to end
      "
    `)
    expect(renderGpuPlan(planGpuTest(options({ hostKey: "" })))).toContain("none; the test would not connect")
  })

  const hostile: readonly [Partial<GpuTestOptions>, RegExp][] = [
    ...[
      "x; rm -rf /",
      "$(id)",
      "`id`",
      "a'b",
      'a"b',
      "a\nb",
      "a b",
      "-v",
      ".x",
      "",
      "a".repeat(200),
      "é",
    ].map((tag): [Partial<GpuTestOptions>, RegExp] => [{ tag }, /is not a tag: at most 128/]),
    [{ digest: "sha256:1" }, /is not a sha256 digest/],
    [{ repository: { registry: "ghcr.io", path: "a;b" } }, /is not a repository/],
    [{ repository: { registry: "ghcr.io -i evil", path: "a" } }, /is not a repository/],
    [{ host: "-oProxyCommand=id" }, /is not a host/],
    [{ host: "a b" }, /is not a host/],
    [{ port: 0 }, /is not a port/],
    [{ user: "a b" }, /is not an account's name/],
    [{ tests: "/tests; id" }, /is not an absolute path/],
    [{ tests: "--collect-only" }, /is not an absolute path/],
    [{ timeoutSeconds: 0 }, /time limit/],
    [{ timeoutSeconds: Number.NaN }, /time limit/],
    [{ launch: "run {image}; id" }, /no shell reads it/],
    [{ hostKey: "trust me" }, /accepted are lines of a known_hosts file/],
  ]
  it.each(hostile)("refuses %j before anything happens", async (changes, message) => {
    expect(() => planGpuTest(options(changes))).toThrow(message)
    await expect(runGpuTest(options(changes))).rejects.toThrow(InvalidGpuTest)
  })

  it("tells every mistake at once", () => {
    const all = () => planGpuTest(options({ tag: "a b", port: -1, launch: "" }))
    expect(all).toThrow(/is not a tag.*\n.*is not a port\n.*is empty/)
  })

  it("does not start without credentials", async () => {
    await expect(runGpuTest(options({ credentials: {} }))).rejects.toThrow(
      /a password or a private key is needed/,
    )
  })
})
