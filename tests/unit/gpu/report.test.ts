import { describe, expect, it } from "vitest"
import type { KeyboardInteractiveCallback, Prompt } from "ssh2"
import type { Credentials } from "../../../dagger/lib/gpu/credentials.js"
import { gpuStatement } from "../../../dagger/lib/attestation/gpuClaim.js"
import { Login } from "../../../dagger/lib/gpu/credentials.js"
import { noCounts } from "../../../dagger/lib/gpu/pytestSummary.js"
import { redactor } from "../../../dagger/lib/text/redact.js"
import { renderGpuJson, renderGpuMarkdown } from "../../../dagger/lib/gpu/render.js"
import { LineSplitter, Transcript } from "../../../dagger/lib/gpu/transcript.js"
import type { GpuTestFailed, GpuVerdict, Judgement } from "../../../dagger/lib/gpu/verdict.js"
import { describe as sentenceOf } from "../../../dagger/lib/gpu/verdict.js"

const digest = `sha256:${"ab".repeat(32)}`
const failed: GpuTestFailed = {
  kind: "failed",
  reason: "tests-failed",
  image: { registry: "ghcr.io", path: "ucsd-ets/scipy-ml-notebook", tag: "2026.4-main", digest },
  digest,
  host: "grader@login.example:22",
  command: "launch.sh -k 'a | b' x",
  sentence: "GPU tests failed (1 passed, 1 failed)",
  counts: { ...noCounts, passed: 1, failed: 1 },
  exitStatus: 1,
  remoteJob: "ended",
  durationSeconds: 12.34,
  log: "\u001b[31mred\u001b[0m\n```\n</details><script>\n",
}

describe("a verdict on an index", () => {
  const platform = { platform: "linux/amd64", digest: `sha256:${"cd".repeat(32)}` }
  const verdict = { ...failed, platform }

  it("names index and platform, on its page and in its JSON", () => {
    const page = renderGpuMarkdown(verdict)
    expect(page).toContain(`| Tested | \`${digest}\` |`)
    expect(page).toContain(`| Of that index | linux/amd64, \`${platform.digest}\` |`)
    expect(JSON.parse(renderGpuJson(verdict))).toMatchObject({ digest, platform })
    expect(renderGpuMarkdown(failed)).not.toContain("Of that index")
  })

  it("is stated about both", () => {
    const terms = { hostKey: "SHA256:x", tests: "/tests", at: 0 }
    const statement = gpuStatement(verdict, terms)
    const name = "ghcr.io/ucsd-ets/scipy-ml-notebook"
    expect(statement?.subject).toEqual([
      { name, digest: { sha256: "ab".repeat(32) } },
      { name, digest: { sha256: "cd".repeat(32) } },
    ])
    expect(statement?.predicate).toMatchObject({ result: "FAILED", platform })
    expect(gpuStatement(failed, terms)?.subject).toHaveLength(1)
  })
})

describe("a verdict", () => {
  it("has words of its own for every reason", () => {
    const failures = [
      "tests-failed",
      "test-errors",
      "collection-error",
      "no-tests",
      "all-skipped",
      "none-passed",
    ] as const
    const ends = ["interrupted", "crashed", "killed", "exit-status"] as const
    const logins = ["wrong-password", "refused-key", "unusable-key", "unanswerable-prompt"] as const
    const hosts = [
      "unreachable",
      "unknown-host-key",
      "changed-host-key",
      "connection-lost",
      "frozen",
    ] as const
    const others = ["deadline", "launch-failed", "no-summary"] as const
    const judgements: Judgement[] = [
      { kind: "passed", reason: "tests-passed", counts: { ...noCounts, passed: 1 } },
      ...[...failures, ...ends].map((reason): Judgement => ({ kind: "failed", reason })),
      ...[...logins, ...hosts, ...others].map((reason): Judgement => ({ kind: "could-not-run", reason })),
    ]
    expect(new Set(judgements.map(sentenceOf)).size).toBe(judgements.length)
  })

  it("is rendered as Markdown that its log cannot break out of", () => {
    expect(renderGpuMarkdown(failed)).toMatchInlineSnapshot(`
      "### GPU test: FAILED

      GPU tests failed (1 passed, 1 failed).

      | | |
      | --- | --- |
      | Image | \`ghcr.io/ucsd-ets/scipy-ml-notebook:2026.4-main@sha256:abababababababababababababababababababababababababababababababab\` |
      | Tested | \`sha256:abababababababababababababababababababababababababababababababab\` |
      | Verdict | failed, tests-failed |
      | Tests | 1 passed, 1 failed |
      | Exit status | 1 |
      | Login host | \`grader@login.example:22\` |
      | Command | \`launch.sh -k 'a \\| b' x\` |
      | Remote job | has ended, its children too |
      | Duration | 12.3 s |

      <details open>
      <summary>Output</summary>

      \`\`\`\`text
      red
      \`\`\`
      </details><script>
      \`\`\`\`

      </details>
      "
    `)
  })

  it.each([
    ["200,000 runs of backticks", "` ".repeat(200_000), "``"],
    ["control characters between backticks", "``\u0000``\u001b[0m`", "`````"],
  ])("shows a log with %s", (_name, log, run) => {
    const [, fence = ""] = /^(`+)text$/m.exec(renderGpuMarkdown({ ...failed, log })) ?? []
    expect(fence.length).toBe(Math.max(3, run.length + 1))
  })

  it("is folded where the tests passed, and says when no digest is known", () => {
    const untagged: Partial<GpuTestFailed> = { ...failed }
    delete (untagged as { digest?: string }).digest
    const passed: GpuVerdict = {
      ...(untagged as Omit<GpuTestFailed, "digest">),
      kind: "passed",
      reason: "tests-passed",
      counts: { ...noCounts, passed: 2 },
    }
    const page = renderGpuMarkdown(passed)
    expect(page).toContain("<details>\n")
    expect(page).toContain("| Tested | the tag, no digest is known |")
  })

  it("is rendered as JSON with everything in it", () => {
    const read = JSON.parse(renderGpuJson(failed)) as Record<string, unknown>
    expect(read).toMatchObject({
      version: 1,
      kind: "failed",
      reason: "tests-failed",
      digest,
      log: failed.log,
    })
    expect(read.image).toBe(`ghcr.io/ucsd-ets/scipy-ml-notebook:2026.4-main@${digest}`)
  })
})

describe("secrets", () => {
  const key = `-----BEGIN OPENSSH PRIVATE KEY-----\n${"QUJD".repeat(12)}\n${"REVG".repeat(12)}\n-----END OPENSSH PRIVATE KEY-----\n`
  const redact = redactor(['pa ss"w/ord', undefined, "", key])
  const cases: readonly [string, string][] = [
    ['it is pa ss"w/ord!', "it is [secret]!"],
    [JSON.stringify({ a: 'pa ss"w/ord' }), '{"a":"[secret]"}'],
    [`?p=${encodeURIComponent('pa ss"w/ord')}`, "?p=[secret]"],
    [Buffer.from('pa ss"w/ord').toString("base64"), "[secret]"],
    [`a line ${"REVG".repeat(12)} of the key`, "a line [secret] of the key"],
    ["-----BEGIN OPENSSH PRIVATE KEY-----", "-----BEGIN OPENSSH PRIVATE KEY-----"],
    ["nothing to see", "nothing to see"],
  ]
  it.each(cases)("are taken out of %j", (text, clean) => {
    expect(redact(text)).toBe(clean)
  })

  it("are taken out whole where one contains another", () => {
    expect(redactor(["swordfish", "sword"])("swordfish sword")).toBe("[secret] [secret]")
  })
})

describe("logs", () => {
  it("are cut into lines wherever the bytes are cut", () => {
    const bytes = Buffer.from("grün\r\n\nπ\u{1f600}\nend")
    for (let size = 1; size <= bytes.length; size++) {
      const lines: string[] = []
      const splitter = new LineSplitter((line) => lines.push(line))
      for (let at = 0; at < bytes.length; at += size) splitter.write(bytes.subarray(at, at + size))
      splitter.end()
      expect(lines).toEqual(["grün", "", "π\u{1f600}", "end"])
    }
  })

  it("do not grow with a line that never ends", () => {
    const lines: string[] = []
    const splitter = new LineSplitter((line) => lines.push(line))
    for (let i = 0; i < 100; i++) splitter.write(Buffer.alloc(10_000, "x"))
    splitter.end()
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(65_536)
    expect(lines.join("")).toHaveLength(1_000_000)
  })

  it("keep their beginning and their end", () => {
    const transcript = new Transcript()
    const total = 100_000
    for (let i = 0; i < total; i++) transcript.add(`line ${String(i).padStart(6, "0")} ${"x".repeat(40)}`)
    transcript.add("  ")
    const { text } = transcript
    expect(text.length).toBeLessThan(1_100_000)
    expect(text).toMatch(/^line 000000 /)
    expect(text).toMatch(/line 099999 x+\n {2}\n$/)
    const leftOut = Number(/\[\.\.\. (\d+) lines left out \.\.\.\]/.exec(text)?.[1])
    expect(leftOut + text.split("\n").length - 2).toBe(total + 1)
  })

  it("close with the last complaint, else with the last line", () => {
    const transcript = new Transcript()
    transcript.add("Submitting job")
    transcript.add("  ")
    expect(transcript.closingWords).toBe("Submitting job")
    for (const line of ["Error: ImagePullBackOff", "pod deleted"]) transcript.add(line)
    expect(transcript.closingWords).toBe("Error: ImagePullBackOff")
  })
})

describe("keyboard-interactive prompts", () => {
  /** What a login answers to prompts that come one after another. */
  function answers(
    credentials: Credentials,
    ...rounds: readonly Prompt[][]
  ): { given: string[][]; login: Login } {
    const login = new Login(credentials)
    const given: string[][] = []
    const finish: KeyboardInteractiveCallback = (all) => given.push(all)
    for (const round of rounds) login.answer(round, finish)
    return { given, login }
  }
  const password = { password: "swordfish" }

  it.each(["Password: ", "(me@host) Password:", "Password for me@host:", "me's password: "])(
    "answer %j",
    (prompt) => {
      expect(answers(password, [{ prompt, echo: false }]).given).toEqual([["swordfish"]])
    },
  )

  const others: readonly Prompt[][] = [
    [{ prompt: "New password: ", echo: false }],
    [{ prompt: "Current password: ", echo: false }],
    [{ prompt: "One-time password: ", echo: false }],
    [{ prompt: "Verification code: ", echo: false }],
    [{ prompt: "Password: ", echo: true }],
    [
      { prompt: "Password: ", echo: false },
      { prompt: "Code: ", echo: false },
    ],
  ]
  it.each(others)("give nothing away to %j", (...prompts) => {
    const { given, login } = answers(password, prompts)
    expect(given.flat().join("")).toBe("")
    expect(login.refusal.reason).toBe("unanswerable-prompt")
  })

  it("are answered once", () => {
    const again = [{ prompt: "Password: ", echo: false }]
    const { given, login } = answers(password, again, again)
    expect(given).toEqual([["swordfish"], [""]])
    expect(login.refusal.reason).toBe("wrong-password")
  })

  it("get nothing where no password was given", () => {
    expect(answers({ privateKey: "key" }, [{ prompt: "Password: ", echo: false }]).given).toEqual([[""]])
  })
})
