import type { ImageReference } from "../reference/reference.js"
import type { PlatformDigest } from "../registry/joinIndex.js"
import type { PytestCounts } from "./pytestSummary.js"

/** The tests spoke against the image, or could not speak for it. */
export type FailureReason =
  /** At least one test failed. */
  | "tests-failed"
  /** A test's set-up or tear-down ended with an error. */
  | "test-errors"
  /** A test module or `conftest.py` could not be imported. */
  | "collection-error"
  /** pytest found no tests, or none was selected. */
  | "no-tests"
  | "all-skipped"
  /** Tests ran and none passed: expected failures only. */
  | "none-passed"
  /** pytest stopped before its last test. */
  | "interrupted"
  /** pytest itself failed, or ended without a summary. */
  | "crashed"
  /** A signal ended the job before pytest's summary (out of memory, mostly). */
  | "killed"
  /** The tests passed, yet the launch command ended with another status than 0. */
  | "exit-status"

/** Nothing is known about the image: the tests did not run to their end. */
export type ObstacleReason =
  /** No connection could be made. */
  | "unreachable"
  /** No pinned key for this host: nothing was sent to it. */
  | "unknown-host-key"
  /** The host shows another key than the pinned one. */
  | "changed-host-key"
  | "wrong-password"
  /** The host does not accept the private key. */
  | "refused-key"
  /** The private key cannot be read, or its passphrase is wrong. */
  | "unusable-key"
  /** The host asks for more than a password, a second factor for instance. */
  | "unanswerable-prompt"
  /** The connection ended before the job did. */
  | "connection-lost"
  /** The connection stayed open and nothing came through any more. */
  | "frozen"
  /** The overall time limit passed. */
  | "deadline"
  /** The launch command failed before pytest started. */
  | "launch-failed"
  /** The launch command succeeded, and its output has no summary of pytest. */
  | "no-summary"

/** What became of the job on the login host. */
export type RemoteJob =
  | "not-started"
  /** It and its children have ended: the host said so. */
  | "ended"
  /** Contact was lost; its watchdog there ends it when the heartbeat stays away. */
  | "left-to-watchdog"

/** What every verdict tells. */
export interface GpuTestFacts {
  /** What was asked for, with the digest where it is known. */
  readonly image: ImageReference
  /** Digest that was launched; absent if the image was launched by its tag, so nobody knows what was tested. */
  readonly digest?: string
  /** Where that is the digest of an index: the image in it that the cluster's machines take. */
  readonly platform?: PlatformDigest
  /** `user@host:port`. */
  readonly host: string
  /** The launch command, quoted for a POSIX shell. */
  readonly command: string
  /** One sentence for people: what happened. */
  readonly sentence: string
  /** What the sentence ends with: the exit status, the last line of a failed launch, the keys that differ. */
  readonly detail?: string
  readonly counts?: PytestCounts
  /** Exit status of the launch command; absent when it did not end by itself. */
  readonly exitStatus?: number
  readonly remoteJob: RemoteJob
  readonly durationSeconds: number
  /** Output of the launch command, secrets removed, its middle left out where it is long. */
  readonly log: string
}

/** Exit status 0 and a pytest summary without failures and with at least one passed test. */
export interface GpuTestPassed extends GpuTestFacts {
  readonly kind: "passed"
  readonly reason: "tests-passed"
  readonly counts: PytestCounts
}

/** The image must not be promoted. */
export interface GpuTestFailed extends GpuTestFacts {
  readonly kind: "failed"
  readonly reason: FailureReason
}

/** Says nothing about the image, so it must not be promoted either. */
export interface GpuTestCouldNotRun extends GpuTestFacts {
  readonly kind: "could-not-run"
  readonly reason: ObstacleReason
}

/** Result of the GPU test. Promotion needs `passed` and the `digest` it is about to promote. */
export type GpuVerdict = GpuTestPassed | GpuTestFailed | GpuTestCouldNotRun

/** A verdict's kind and reason, and what is worth adding to its sentence. */
export type Judgement = { readonly detail?: string; readonly counts?: PytestCounts } & (
  | { readonly kind: "passed"; readonly reason: "tests-passed"; readonly counts: PytestCounts }
  | { readonly kind: "failed"; readonly reason: FailureReason }
  | { readonly kind: "could-not-run"; readonly reason: ObstacleReason }
)

/** The sentence of a judgement, without a full stop; a new reason without words does not compile. */
export function describe(judgement: Judgement): string {
  const { counts, detail } = judgement
  const sentence = words(judgement.reason, counts)
  return detail === undefined || detail === "" ? sentence : `${sentence}: ${detail}`
}

function words(reason: Judgement["reason"], counts: PytestCounts | undefined): string {
  switch (reason) {
    case "tests-passed":
      return `the GPU tests passed (${countsInWords(counts)})`
    case "tests-failed":
      return `GPU tests failed (${countsInWords(counts)})`
    case "test-errors":
      return `GPU tests ended with errors in their set-up or tear-down (${countsInWords(counts)})`
    case "collection-error":
      return "pytest could not import the GPU tests"
    case "no-tests":
      return "pytest ran no tests"
    case "all-skipped":
      return `all GPU tests were skipped (${countsInWords(counts)}); does the image see the GPU?`
    case "none-passed":
      return `no GPU test passed (${countsInWords(counts)})`
    case "interrupted":
      return "pytest stopped before its last test"
    case "crashed":
      return "pytest ended without a verdict of its own"
    case "killed":
      return "the job was killed before pytest's summary; out of memory?"
    case "exit-status":
      return `the GPU tests passed (${countsInWords(counts)}), but the launch command failed`
    default:
      return obstacleWords(reason)
  }
}

function obstacleWords(reason: ObstacleReason): string {
  switch (reason) {
    case "unreachable":
      return "the login host cannot be reached"
    case "unknown-host-key":
      return "no pinned key is known for the login host, so nothing was sent to it"
    case "changed-host-key":
      return "the login host shows another key than the pinned one, so nothing was sent to it"
    case "wrong-password":
      return "the login host does not accept the password"
    case "refused-key":
      return "the login host does not accept the private key"
    case "unusable-key":
      return "the private key cannot be used"
    case "unanswerable-prompt":
      return "the login host asks for more than the password"
    case "connection-lost":
      return "the connection to the login host was lost"
    case "frozen":
      return "the login host stopped answering"
    case "deadline":
      return "the GPU test took longer than its time limit"
    case "launch-failed":
      return "the image could not be launched"
    case "no-summary":
      return "the launch command succeeded, but its output has no summary of pytest"
  }
}

/** `3 passed, 1 failed`: the counts that are not zero, in words. */
export function countsInWords(counts: PytestCounts | undefined): string {
  if (counts === undefined) return "no counts"
  const said = Object.entries(counts).filter(([, number]) => number > 0)
  return said.length === 0 ? "no tests" : said.map(([word, number]) => `${String(number)} ${word}`).join(", ")
}
