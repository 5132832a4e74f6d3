import { performance } from "node:perf_hooks"
import type { ImageReference, Repository } from "../reference/reference.js"
import { formatReference, isTag, parseReference } from "../reference/reference.js"
import type { Credentials } from "./credentials.js"
import { redactorOf } from "./credentials.js"
import type { HostKeyPin } from "./hostKey.js"
import { describePin, InvalidHostKey, parseHostKey } from "./hostKey.js"
import { judge } from "./judge.js"
import { InvalidLaunchTemplate, launchWords, supervisedCommand } from "./launch.js"
import type { Redact } from "../text/redact.js"
import { shellCommand } from "../text/shell.js"
import { mergeLogs, PytestLogReader } from "./pytestLog.js"
import type { SessionLimits, SessionObserver, SessionResult } from "./session.js"
import { runRemote } from "./session.js"
import { Transcript } from "./transcript.js"
import type { GpuVerdict, Judgement } from "./verdict.js"
import { describe } from "./verdict.js"

/** What to test, where, and as whom. */
export interface GpuTestOptions {
  /** The image's repository. */
  readonly repository: Repository
  /** Tag that was asked for. */
  readonly tag: string
  /** Digest the tag has in the registry: it is what is launched. Without it, the tag is. */
  readonly digest?: string | undefined
  /** Name or address of the login host. */
  readonly host: string
  readonly port: number
  readonly user: string
  /** Lines of known_hosts, a public key or a `SHA256:` fingerprint; empty: no connection is made. */
  readonly hostKey: string
  readonly credentials: Credentials
  /** Launch command with `{image}` and `{tests}`. */
  readonly launch: string
  /** Folder or node id of the tests inside the image. */
  readonly tests: string
  /** Limit of the whole test, in seconds. */
  readonly timeoutSeconds: number
  /** Other limits than the usual ones. */
  readonly limits?: Partial<Omit<SessionLimits, "deadlineSeconds">>
}

/** What would be done, checked; nothing was sent anywhere. */
export interface GpuTestPlan {
  readonly image: ImageReference
  /** What the launch command is given: the digest without the tag, or the tag where no digest is known. */
  readonly launched: string
  readonly host: string
  readonly port: number
  readonly user: string
  readonly hostKey: HostKeyPin
  /** The launch command's words. */
  readonly words: readonly string[]
  /** The same, quoted for a POSIX shell. */
  readonly command: string
  /** What sshd is given: the launch command under its supervisor. */
  readonly remoteCommand: string
  readonly limits: SessionLimits
}

/** Options that no test can be started with: all mistakes, a sentence each. Nothing was sent anywhere. */
export class InvalidGpuTest extends Error {
  override readonly name = "InvalidGpuTest"

  constructor(readonly problems: readonly string[]) {
    super(problems.join("\n"))
  }
}

/**
 * The usual limits. Keepalive as SSH clients have it (three times 15 s); the launch script deletes its pod when it is
 * told to end, which takes the cluster up to 30 s.
 */
const usualLimits: Omit<SessionLimits, "deadlineSeconds"> = {
  handshakeSeconds: 30,
  keepaliveSeconds: 15,
  keepaliveCount: 3,
  graceSeconds: 60,
}

/**
 * Checks the options and says what a test with them would do. Connects to nothing.
 * @throws InvalidGpuTest
 */
export function planGpuTest(options: GpuTestOptions): GpuTestPlan {
  const problems = checkOptions(options)
  // Nothing is derived from values that are refused.
  if (problems.length > 0) throw new InvalidGpuTest(problems)
  const { repository, tag, digest, host, port, user } = options
  const image: ImageReference = { ...repository, tag, ...(digest !== undefined && { digest }) }
  const launched = formatReference({ ...repository, ...(digest === undefined ? { tag } : { digest }) })
  const limits = { ...usualLimits, ...options.limits, deadlineSeconds: options.timeoutSeconds }
  const words = launchWords(options.launch, { image: launched, tests: options.tests })
  return {
    ...{ image, launched, host, port, user, words, limits },
    hostKey: parseHostKey(options.hostKey, host, port),
    command: shellCommand(words),
    remoteCommand: supervisedCommand(words, {
      silenceSeconds: limits.keepaliveSeconds * (limits.keepaliveCount + 1),
      graceSeconds: limits.graceSeconds,
      // The client ends the job at its deadline; this is for one that has lost count.
      maximalBeats: Math.ceil(limits.deadlineSeconds / limits.keepaliveSeconds) + 4,
    }),
  }
}

/**
 * Runs the GPU test: logs in, launches the image, judges pytest's output. The job is ended before this returns, or by
 * its watchdog on the host where contact was lost.
 * @throws InvalidGpuTest before anything is sent; whatever happens later is a verdict
 */
export async function runGpuTest(options: GpuTestOptions, observer?: SessionObserver): Promise<GpuVerdict> {
  const plan = planGpuTest(options)
  const { credentials } = options
  if ((credentials.password ?? "") === "" && (credentials.privateKey ?? "") === "") {
    throw new InvalidGpuTest(["a password or a private key is needed to log in"])
  }
  const redact = redactorOf(credentials)
  const transcript = new Transcript()
  // Each stream has its own reader: a line of one must not come between two of the other.
  const readers = { stdout: new PytestLogReader(), stderr: new PytestLogReader() }
  const started = performance.now()
  const session = await runRemote({ ...plan, credentials }, plan.remoteCommand, plan.limits, {
    connected: () => observer?.connected(),
    line: (stream, text) => {
      readers[stream].read(text)
      const clean = redact(text)
      transcript.add(clean)
      observer?.line(stream, clean)
    },
  })
  const log = mergeLogs(readers.stderr.log, readers.stdout.log)
  const judgement = judge(session.end, log, transcript.closingWords)
  const durationSeconds = (performance.now() - started) / 1000
  return verdict(plan, session, withoutSecrets(judgement, redact), { durationSeconds, log: transcript.text })
}

function withoutSecrets(judgement: Judgement, redact: Redact): Judgement {
  return judgement.detail === undefined ? judgement : { ...judgement, detail: redact(judgement.detail) }
}

function verdict(
  plan: GpuTestPlan,
  session: SessionResult,
  judgement: Judgement,
  told: { readonly durationSeconds: number; readonly log: string },
): GpuVerdict {
  const { end, job } = session
  return {
    image: plan.image,
    ...(plan.image.digest !== undefined && { digest: plan.image.digest }),
    host: accountOf(plan),
    command: plan.command,
    ...(end.kind === "exited" && { exitStatus: end.status }),
    remoteJob: job,
    sentence: describe(judgement),
    ...told,
    ...judgement,
  }
}

function accountOf({ user, host, port }: GpuTestPlan): string {
  return `${user}@${host}:${port}`
}

/** The plan for people, as the dry run prints it. */
export function renderGpuPlan(plan: GpuTestPlan): string {
  const pinned = plan.hostKey.kind === "none" ? "none; the test would not connect" : describePin(plan.hostKey)
  const { deadlineSeconds, keepaliveSeconds, keepaliveCount, graceSeconds } = plan.limits
  return [
    `GPU test of ${formatReference(plan.image)} (dry run: nothing was connected to)`,
    `  log in as   ${accountOf(plan)}`,
    `  host key    ${pinned}`,
    `  run         ${plan.command}`,
    `  time limit  ${deadlineSeconds} s; frozen after ${keepaliveSeconds * (keepaliveCount + 1)} s of silence;` +
      ` ${graceSeconds} s for the job to end`,
    "",
  ].join("\n")
}

const controlOrBlank = /[\s\p{Cc}]/u
/** A path, perhaps with pytest's `::` for a class or function; the cluster's scripts pass it through more shells. */
const testsGrammar = /^\/[\w./@+:-]{0,511}$/

/** Every rule, in the order of the options; the tag first, as it is what people type. */
function checkOptions(options: GpuTestOptions): string[] {
  const { tag, digest, repository, host, port, user, tests, timeoutSeconds } = options
  const rules: readonly (readonly [ok: boolean, problem: string])[] = [
    [
      isTag(tag),
      `${shown(tag)} is not a tag: at most 128 letters, digits, ".", "_" or "-", the first neither "." nor "-"`,
    ],
    [digest === undefined || /^sha256:[0-9a-f]{64}$/.test(digest), `${shown(digest)} is not a sha256 digest`],
    [isRepository(repository), `${shown(`${repository.registry}/${repository.path}`)} is not a repository`],
    [host !== "" && !host.startsWith("-") && !controlOrBlank.test(host), `${shown(host)} is not a host`],
    [Number.isInteger(port) && port > 0 && port < 65536, `${port} is not a port`],
    [/^[A-Za-z0-9_][\w.@-]*$/.test(user), `${shown(user)} is not an account's name`],
    [testsGrammar.test(tests), `${shown(tests)} is not an absolute path of tests in the image`],
    [
      timeoutSeconds > 0 && timeoutSeconds <= 86_400,
      `a time limit of ${timeoutSeconds} s is not within a day`,
    ],
  ]
  const broken = rules.filter(([ok]) => !ok).map(([, problem]) => problem)
  return [...broken, ...checkTexts(options)]
}

/** The texts with a grammar of their own. */
function checkTexts({ launch, hostKey, host, port }: GpuTestOptions): string[] {
  const checks = [
    () => launchWords(launch, { image: "image", tests: "/tests" }),
    () => parseHostKey(hostKey, host, port),
  ]
  return checks.flatMap((check) => {
    try {
      check()
      return []
    } catch (error) {
      if (error instanceof InvalidLaunchTemplate || error instanceof InvalidHostKey) return [error.message]
      throw error
    }
  })
}

function isRepository(repository: Repository): boolean {
  try {
    const { registry, path, tag, digest } = parseReference(formatReference(repository))
    return (
      registry === repository.registry &&
      path === repository.path &&
      tag === undefined &&
      digest === undefined
    )
  } catch {
    return false
  }
}

/** A refused value for a message: on one line, its beginning. */
function shown(value: string | undefined): string {
  const text = JSON.stringify(value ?? "")
  return text.length > 80 ? `${text.slice(0, 80)}..."` : text
}
