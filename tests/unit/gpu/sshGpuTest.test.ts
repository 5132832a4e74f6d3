import { generateKeyPairSync } from "node:crypto"
import { setTimeout as pause } from "node:timers/promises"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import type { Credentials } from "../../../dagger/lib/gpu/credentials.js"
import type { GpuTestOptions } from "../../../dagger/lib/gpu/gpuTest.js"
import { renderGpuPlan, planGpuTest, runGpuTest } from "../../../dagger/lib/gpu/gpuTest.js"
import { renderGpuJson, renderGpuMarkdown } from "../../../dagger/lib/gpu/render.js"
import type { GpuVerdict } from "../../../dagger/lib/gpu/verdict.js"
import type { FreezeProxy } from "../../support/freezeProxy.js"
import { startFreezeProxy } from "../../support/freezeProxy.js"
import type { Sshd } from "../../support/sshd.js"
import { freePort } from "../../support/freePort.js"
import { canRunSshd, startSshd } from "../../support/sshd.js"
import type { LaunchScript } from "../../support/sshdLaunch.js"
import { isAlive, makeLaunchScript } from "../../support/sshdLaunch.js"

const digest = `sha256:${"5a".repeat(32)}`
/** A test that starts a child, tells both process ids, and hangs. */
const hanging = `
import os, subprocess, time
def test_hangs():
    child = subprocess.Popen(["sleep", "300"])
    with open(os.environ["PROCESSES"], "a") as told:
        told.write(f"{os.getpid()}\\n{child.pid}\\n")
    time.sleep(300)
`
/** Looks like a test that passed, without the second that pytest takes: for tests of logging in. */
const quick = String.raw`printf '1 passed in 0.01s\n%s\n' {image}`
const modules = {
  passing: "def test_a(): pass\ndef test_b(): pass\n",
  failing: "def test_a(): pass\ndef test_b(): assert 1 == 2\n",
  unimportable: "import no_such_module\ndef test_a(): pass\n",
  empty: "",
  skipped: "import pytest\n@pytest.mark.skip(reason='no GPU')\ndef test_a(): pass\n",
  killed: "import os\ndef test_a(): pass\ndef test_b(): os.kill(os.getpid(), 9)\n",
  broken:
    "import pytest\n@pytest.fixture\ndef gpu(): raise RuntimeError('no device')\ndef test_a(gpu): pass\n",
  exiting:
    "import pytest\ndef test_a(): pass\ndef test_b(): pytest.exit('gone', returncode=0)\ndef test_c(): assert 0\n",
  hanging,
  stubborn: `import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n${hanging}`,
}

describe.skipIf(!canRunSshd())("the GPU test against a real sshd", () => {
  let sshd: Sshd
  let launch: LaunchScript
  let proxy: FreezeProxy | undefined

  beforeAll(async () => {
    sshd = await startSshd()
  })
  afterAll(() => sshd.stop())
  afterEach(async () => {
    await proxy?.stop()
    proxy = undefined
    launch.remove()
  })

  interface Case extends Partial<GpuTestOptions> {
    readonly name?: string
    readonly through?: "proxy"
    readonly alwaysSucceeds?: boolean
  }

  /** The known_hosts line of a host, for the same host at another port. */
  function pinnedAt(port: number, hostKeyLine: string): string {
    return hostKeyLine.replace(/^\S+/, `[127.0.0.1]:${String(port)}`)
  }

  /** Options for a test of an image with the tests `module`; a new launch script for each. */
  function options(
    module: keyof typeof modules,
    { alwaysSucceeds = false, ...changes }: Case = {},
  ): GpuTestOptions {
    launch = makeLaunchScript({ alwaysSucceeds })
    launch.write(module, modules[module])
    return {
      repository: { registry: "ghcr.io", path: "ucsd-ets/scipy-ml-notebook" },
      tag: "2026.4-main",
      digest,
      host: "127.0.0.1",
      port: proxy?.port ?? sshd.port,
      user: sshd.user,
      hostKey: pinnedAt(proxy?.port ?? sshd.port, sshd.hostKeyLine),
      credentials: { password: sshd.password },
      launch: launch.template,
      tests: launch.tests(module),
      timeoutSeconds: 60,
      limits: { keepaliveSeconds: 0.4, keepaliveCount: 2, graceSeconds: 3, handshakeSeconds: 5 },
      ...changes,
    }
  }

  /** Runs the test; nothing that it tells may hold a secret. */
  async function run(tested: GpuTestOptions, during?: () => void): Promise<GpuVerdict> {
    const told: string[] = []
    const running = runGpuTest(tested, {
      connected: () => told.push("connected"),
      line: (stream, text) => told.push(`${stream} ${text}`),
    })
    if (during !== undefined) {
      // The launch script tells its own id, a hanging test its own and its child's.
      while (launch.processes().length < 3) await pause(50)
      during()
    }
    const verdict = await running
    const outputs = [JSON.stringify(verdict), renderGpuJson(verdict), renderGpuMarkdown(verdict), ...told]
    const outside = [
      ...outputs,
      renderGpuPlan(planGpuTest(tested)),
      JSON.stringify(planGpuTest(tested)),
    ].join("\n")
    const { password, privateKey } = tested.credentials
    const secrets = [password, ...(privateKey?.split("\n").filter((line) => line.length > 20) ?? [])]
    for (const secret of secrets) if (secret !== undefined) expect(outside).not.toContain(secret)
    return verdict
  }

  /** Expects every process that told its id to be gone before long. */
  async function expectGone(count: number, withinSeconds = 0): Promise<void> {
    const processes = launch.processes()
    expect(processes).toHaveLength(count)
    for (let waited = 0; processes.some(isAlive) && waited < withinSeconds; waited += 0.1) await pause(100)
    expect(processes.filter(isAlive)).toEqual([])
  }

  const outcomes: readonly [keyof typeof modules, Case, Partial<GpuVerdict>, RegExp][] = [
    ["passing", {}, { kind: "passed", exitStatus: 0 }, /GPU tests passed \(2 passed\)/],
    [
      "failing",
      {},
      { kind: "failed", reason: "tests-failed", exitStatus: 1 },
      /failed \(1 passed, 1 failed\)/,
    ],
    ["failing", { alwaysSucceeds: true }, { reason: "tests-failed", exitStatus: 0 }, /1 failed/],
    ["exiting", { alwaysSucceeds: true }, { reason: "interrupted", exitStatus: 0 }, /before its last test/],
    ["broken", {}, { kind: "failed", reason: "test-errors" }, /set-up or tear-down \(1 errors\)/],
    ["unimportable", {}, { kind: "failed", reason: "collection-error", exitStatus: 2 }, /could not import/],
    ["empty", {}, { kind: "failed", reason: "no-tests", exitStatus: 5 }, /ran no tests/],
    ["passing", { tests: "/nowhere" }, { reason: "no-tests", exitStatus: 4 }, /not found: \/nowhere/],
    ["skipped", {}, { kind: "failed", reason: "all-skipped", exitStatus: 0 }, /all GPU tests were skipped/],
    ["killed", {}, { kind: "failed", reason: "killed", exitStatus: 137 }, /killed.*signal KILL/],
    [
      "passing",
      { repository: { registry: "ghcr.io", path: "ucsd-ets/missing" } },
      { kind: "could-not-run", reason: "launch-failed", exitStatus: 1 },
      /could not be launched: exit status 1: Error: ImagePullBackOff/,
    ],
    [
      "passing",
      { launch: "/opt/nowhere/launch.sh {image}" },
      { kind: "could-not-run", reason: "launch-failed", exitStatus: 127 },
      /could not be launched: exit status 127/,
    ],
    [
      "passing",
      { launch: "echo {image}" },
      { kind: "could-not-run", reason: "no-summary" },
      /no summary of pytest/,
    ],
  ]
  it.each(outcomes)("tells %s tests (%j)", async (module, changes, expected, words) => {
    const verdict = await run(options(module, changes))
    expect(verdict).toMatchObject({ digest, remoteJob: "ended", ...expected })
    expect(verdict.sentence).toMatch(words)
    expect(launch.processes().filter(isAlive)).toEqual([])
  })

  it("launches the digest and passes every argument whole", async () => {
    const tested = options("passing")
    const verdict = await run({
      ...tested,
      launch: `${tested.launch} -k "not 'a b; $(id)'"`.replace("$(id)", "id"),
    })
    expect(launch.arguments()).toEqual([
      ...[
        "-i",
        `ghcr.io/ucsd-ets/scipy-ml-notebook@${digest}`,
        "-P",
        "Always",
        "-g",
        "1",
        "-c",
        "4",
        "-m",
        "32",
      ],
      ...["-f", "pytest", launch.tests("passing"), "-k", "not 'a b; id'"],
    ])
    expect(verdict.log).toContain("collected")
  })

  const logins: readonly [string, () => Credentials, Partial<GpuVerdict>][] = [
    ["a private key", () => ({ privateKey: sshd.privateKey }), { kind: "passed" }],
    ["a wrong password", () => ({ password: "not-the-password" }), { reason: "wrong-password" }],
    ["a key under a passphrase", () => ({ privateKey: sshd.encryptedKey }), { reason: "unusable-key" }],
    [
      "something that is no key",
      () => ({ privateKey: "-----BEGIN nonsense-----" }),
      { reason: "unusable-key" },
    ],
  ]
  it.each(logins)("logs in with %s", async (_name, credentials, expected) => {
    const verdict = await run(options("empty", { launch: quick, credentials: credentials() }))
    expect(verdict).toMatchObject(expected)
    if (verdict.kind !== "passed")
      expect(verdict).toMatchObject({ kind: "could-not-run", remoteJob: "not-started" })
  })

  it("names the command that turns a key in PKCS#8 into one that can be read", async () => {
    const { privateKey } = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
    })
    const verdict = await run(options("empty", { launch: quick, credentials: { privateKey } }))
    expect(verdict).toMatchObject({ reason: "unusable-key" })
    expect(verdict.sentence).toContain("ssh-keygen -p -m PEM")
  })

  it("does not let a key in that the account does not have", async () => {
    const other = await startSshd()
    const verdict = await run(
      options("empty", { launch: quick, credentials: { privateKey: other.privateKey } }),
    )
    await other.stop()
    expect(verdict).toMatchObject({ kind: "could-not-run", reason: "refused-key" })
  })

  it("connects to nothing where no key is pinned for the host", async () => {
    const before = sshd.log()
    const verdict = await run(
      options("empty", { launch: quick, hostKey: sshd.hostKeyLine.replace("127.0.0.1", "other.example") }),
    )
    expect(verdict).toMatchObject({
      kind: "could-not-run",
      reason: "unknown-host-key",
      remoteJob: "not-started",
    })
    expect(verdict.sentence).toContain(`a line of known_hosts for it begins with "[127.0.0.1]:${sshd.port}"`)
    expect(sshd.log()).toBe(before)
  })

  it("sends no password to a host that shows another key", async () => {
    const other = await startSshd()
    const hostKey = pinnedAt(other.port, sshd.hostKeyLine)
    const verdict = await run(options("empty", { launch: quick, port: other.port, hostKey }))
    const log = other.log()
    await other.stop()
    expect(verdict).toMatchObject({
      kind: "could-not-run",
      reason: "changed-host-key",
      remoteJob: "not-started",
    })
    expect(verdict.sentence).toContain(other.fingerprint)
    expect(log).not.toMatch(/password/i)
  })

  it("accepts a fingerprint, and refuses another", async () => {
    expect(await run(options("empty", { launch: quick, hostKey: sshd.fingerprint }))).toMatchObject({
      kind: "passed",
    })
    const other = `SHA256:${"A".repeat(43)}`
    expect(await run(options("empty", { launch: quick, hostKey: other }))).toMatchObject({
      reason: "changed-host-key",
    })
  })

  it("asks a host with several keys for the pinned one", async () => {
    const several = await startSshd({ hostKeyTypes: ["ed25519", "ecdsa", "rsa"] })
    const kinds = [...several.hostKeyLines.values()]
    const verdicts: string[] = []
    for (const hostKey of kinds)
      verdicts.push((await run(options("empty", { launch: quick, port: several.port, hostKey }))).kind)
    const [, , rsa = ""] = kinds
    const single = pinnedAt(sshd.port, rsa)
    expect(await run(options("empty", { launch: quick, hostKey: single }))).toMatchObject({
      reason: "changed-host-key",
    })
    await several.stop()
    expect(verdicts).toEqual(["passed", "passed", "passed"])
  })

  it("answers a keyboard-interactive password prompt", async () => {
    const interactive = await startSshd({ methods: ["keyboard-interactive"] })
    const hostKey = interactive.hostKeyLine
    const verdict = await run(options("empty", { launch: quick, port: interactive.port, hostKey }))
    const wrong = {
      launch: quick,
      port: interactive.port,
      hostKey,
      credentials: { password: "not-the-password" },
    }
    const refused = await run(options("empty", wrong))
    await interactive.stop()
    expect(verdict).toMatchObject({ kind: "passed" })
    expect(refused).toMatchObject({ kind: "could-not-run", reason: "wrong-password" })
  })

  it("gives a host both the key and the password that it asks for", async () => {
    const strict = await startSshd({ methods: ["publickey,password"] })
    const credentials = { password: strict.password, privateKey: strict.privateKey }
    const settings = { launch: quick, port: strict.port, hostKey: strict.hostKeyLine, credentials }
    const verdict = await run(options("empty", settings))
    await strict.stop()
    expect(verdict).toMatchObject({ kind: "passed" })
  })

  it("tells that nobody listens", async () => {
    const port = await freePort()
    const verdict = await run(options("passing", { port, hostKey: sshd.fingerprint }))
    expect(verdict).toMatchObject({ kind: "could-not-run", reason: "unreachable", remoteJob: "not-started" })
  })

  it("tells that a host accepts connections and says nothing", async () => {
    proxy = await startFreezeProxy(sshd.port, { frozen: true })
    const limits = { handshakeSeconds: 0.5 }
    const verdict = await run(options("passing", { limits }))
    expect(verdict).toMatchObject({ kind: "could-not-run", reason: "frozen", remoteJob: "not-started" })
  })

  it("ends the job when the connection is cut", async () => {
    proxy = await startFreezeProxy(sshd.port)
    const verdict = await run(options("hanging"), () => proxy?.cut())
    expect(verdict).toMatchObject({
      kind: "could-not-run",
      reason: "connection-lost",
      remoteJob: "left-to-watchdog",
    })
    await expectGone(3, 10)
    expect(launch.cleanedUp()).toBe(true)
  })

  it("ends the job when the link is frozen", async () => {
    proxy = await startFreezeProxy(sshd.port)
    const verdict = await run(options("hanging"), () => proxy?.freeze())
    expect(verdict).toMatchObject({ kind: "could-not-run", reason: "frozen", remoteJob: "left-to-watchdog" })
    expect(verdict.sentence).toMatch(/stopped answering/)
    await expectGone(3, 10)
    expect(launch.cleanedUp()).toBe(true)
  })

  it("ends the job at the deadline, and lets the launch script clean up", async () => {
    const verdict = await run(options("hanging", { timeoutSeconds: 4 }))
    expect(verdict).toMatchObject({ kind: "could-not-run", reason: "deadline", remoteJob: "ended" })
    expect(verdict.sentence).toMatch(/longer than its time limit: 4 s/)
    await expectGone(3)
    expect(launch.cleanedUp()).toBe(true)
  })

  it("ends a job that does not want to end", async () => {
    const limits = { keepaliveSeconds: 0.4, keepaliveCount: 2, graceSeconds: 1 }
    const verdict = await run(options("stubborn", { timeoutSeconds: 4, limits }))
    expect(verdict).toMatchObject({ reason: "deadline", remoteJob: "ended" })
    await expectGone(3)
  })

  it("keeps a secret out of its output even where the tests print it", async () => {
    launch = makeLaunchScript()
    const tested = options("passing")
    launch.write(
      "leaking",
      `print("it is ${sshd.password}")\ndef test_a(): assert "${sshd.password}" == ""\n`,
    )
    const verdict = await run({ ...tested, tests: launch.tests("leaking") })
    expect(verdict).toMatchObject({ reason: "tests-failed" })
    expect(verdict.log).toContain("[secret]")
  })
})
