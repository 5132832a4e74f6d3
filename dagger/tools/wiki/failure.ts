import { cleanLine } from "../../lib/text/cleanText.js"
import { redactor } from "../../lib/text/redact.js"

/** Why a wiki could not be written. */
export type FailureKind =
  | "bad-job"
  | "login-refused"
  | "no-permission"
  /** The server took the login and refused what was pushed: by a hook, a rule, a limit. */
  | "push-refused"
  | "no-wiki"
  | "unreachable"
  /** Other writers were faster in every try. */
  | "raced"
  /** The wiki's own data does not allow the change. */
  | "wiki-problem"
  | "git-failed"

/** A failure told in a sentence that never contains the token. */
export class WikiFailure extends Error {
  override readonly name = "WikiFailure"

  constructor(
    readonly kind: FailureKind,
    message: string,
    /** Whether a further try may go through: the server or the network had a trouble. */
    readonly isTemporary = false,
  ) {
    super(message)
  }
}

/** Removes the token, alone and with the user as HTTP carries both. */
export function redact(text: string, token: string | undefined, user = ""): string {
  return redactor(token === undefined ? [] : [token, `${user}:${token}`])(text)
}

/** What git says when another writer was faster; nothing is wrong, start again from fetch. */
export function isRace(gitOutput: string): boolean {
  return /fetch first|non-fast-forward|stale info|cannot lock ref|failed to lock|failed to update ref|incorrect old value|reference already exists|Unable to create '[^']*\.lock'/i.test(
    gitOutput,
  )
}

/** Troubles of a server or network that a further try may not meet again. */
const temporary =
  /returned error: (?:408|429|5\d\d)|unexpected disconnect|early EOF|RPC failed|hung up unexpectedly|Connection reset|shallow file has changed/i

/** After a minute of silence or more, another try would only make the caller wait as long again. */
const silent = /Operation too slow|timed out/i

/**
 * Turns git's output into a failure: what it most likely means, and behind it what the server or git said.
 * @param url without a login
 */
export function failureOf(gitOutput: string, url: string, hasToken: boolean): WikiFailure {
  const known = rules.find(({ pattern }) => pattern.test(gitOutput))
  const kind = known?.kind ?? "git-failed"
  const meaning = known?.sentence(url, hasToken) ?? `git failed on the wiki ${url}`
  return new WikiFailure(
    kind,
    `${meaning}: ${wordsOf(gitOutput)}`,
    temporary.test(gitOutput) && !silent.test(gitOutput),
  )
}

/** Characters of a server's words that are told: all of GitHub's longest refusals. */
const mostWords = 600

interface Rule {
  readonly kind: FailureKind
  readonly pattern: RegExp
  readonly sentence: (url: string, hasToken: boolean) => string
}

/** The first that matches is meant: git adds general sentences to precise ones. */
const rules: readonly Rule[] = [
  {
    // The first of all, as the words of a hook can be any.
    kind: "push-refused",
    pattern: /\[remote rejected\] \([^)\n]*(?:declined|protected branch)/i,
    sentence: (url) => `the server refused what was pushed to the wiki ${url}`,
  },
  {
    kind: "login-refused",
    pattern:
      /Authentication failed|could not read (?:Username|Password)|returned error: 401|Invalid username or/i,
    sentence: (url, hasToken) =>
      hasToken
        ? `the wiki ${url} refused the token: it is wrong, expired or made for something else`
        : `the wiki ${url} asks for a login: give a token that may write to it`,
  },
  {
    kind: "no-permission",
    pattern:
      /returned error: 403|Permission to .* denied|Write access to repository not granted|insufficient permission|Permission denied|unable to (?:create|write) .*object/i,
    sentence: (url) =>
      `the token may not write to the wiki ${url}: it needs write permission ("contents: write" in a workflow)`,
  },
  {
    kind: "no-wiki",
    pattern:
      /Repository not found|repository '[^']*' not found|does not exist|does not appear to be a git repository/i,
    sentence: (url) =>
      `there is no wiki at ${url}: check the address, create its first page in the browser (a wiki that was never opened has no repository), and see that the token may read it`,
  },
  {
    kind: "unreachable",
    pattern:
      /Could not resolve host|Failed to connect|Connection refused|Connection timed out|Couldn't connect|SSL|certificate|No route to host|Network is unreachable|Operation too slow|block timeout|returned error: (?:408|429|5\d\d)/i,
    sentence: (url) =>
      `the wiki's host cannot be reached (${url}): try again later, or check address and network`,
  },
]

/** What the server said; where it said nothing, git's own lines, without progress and advice. */
function wordsOf(gitOutput: string): string {
  const lines = gitOutput.split("\n").map((line) => line.trim())
  const server = lines.flatMap((line) => /^remote:\s*(\S.*)$/.exec(line)?.[1] ?? [])
  const git = lines.filter((line) => /^(?:fatal|error|!)/.test(line))
  const told = [server, git, lines].find((each) => each.some((line) => line !== "")) ?? []
  return cleanLine(told.join("; ")).slice(0, mostWords)
}
