import { shellCommand } from "../text/shell.js"

/** A launch template that cannot be used; the message says what is wrong and what is accepted. */
export class InvalidLaunchTemplate extends Error {
  override readonly name = "InvalidLaunchTemplate"
}

/** What the placeholders of a launch template stand for. */
export interface LaunchValues {
  /** `registry/path@sha256:...`. */
  readonly image: string
  /** Folder of the tests inside the image. */
  readonly tests: string
}

/**
 * The words of a launch command. The template is split at blanks, single and double quotes keep words together,
 * and that is all: no shell reads it, every word arrives at the command as it is written here.
 * @throws InvalidLaunchTemplate
 */
export function launchWords(template: string, values: LaunchValues): string[] {
  const words = splitTemplate(template)
  if (words.length === 0) throw new InvalidLaunchTemplate("the launch template is empty")
  if (!words.some((word) => word.includes("{image}"))) {
    throw new InvalidLaunchTemplate(`the launch template has no {image}: ${template}`)
  }
  return words.map((word) => fillIn(word, values))
}

function fillIn(word: string, values: LaunchValues): string {
  return word.replaceAll(/\{([^{}]*)\}/g, (placeholder, name: string) => {
    if (name === "image" || name === "tests") return values[name]
    throw new InvalidLaunchTemplate(
      `the launch template has ${placeholder}; {image} and {tests} are the only placeholders`,
    )
  })
}

const controlCharacter = /\p{Cc}/u
/** One piece of a word: a quoted text, or characters that no shell would treat specially. */
const piece = /'([^']*)'|"([^"\\$`]*)"|([^\s'"\\$`;&|<>()*?#!~]+)/y

function splitTemplate(template: string): string[] {
  if (controlCharacter.test(template)) {
    throw new InvalidLaunchTemplate("the launch template has a line break or another control character")
  }
  const words: string[] = []
  let word: string | undefined
  for (let at = 0; at < template.length;) {
    if (template[at] === " ") {
      if (word !== undefined) words.push(word)
      word = undefined
      at++
      continue
    }
    piece.lastIndex = at
    const found = piece.exec(template)
    if (found === null) throw notAPiece(template, at)
    word = (word ?? "") + (found[1] ?? found[2] ?? found[3] ?? "")
    at = piece.lastIndex
  }
  return word === undefined ? words : [...words, word]
}

function notAPiece(template: string, at: number): InvalidLaunchTemplate {
  const rest = template.slice(at)
  const what = /^['"]/.test(rest) ? `a quote that is not closed` : `"${template.charAt(at)}"`
  return new InvalidLaunchTemplate(
    `the launch template has ${what} at character ${at + 1}; no shell reads it: ` +
      `put a character that is meant literally into single quotes, and shell code into sh -c '...'`,
  )
}

/** When the login host ends a job by itself. */
export interface WatchdogLimits {
  /** Seconds without a heartbeat (a line on standard input) after which the job is ended. */
  readonly silenceSeconds: number
  /** Seconds between the request to end (SIGTERM) and SIGKILL. */
  readonly graceSeconds: number
  /** Heartbeats after which the job is ended, even if they go on. */
  readonly maximalBeats: number
}

/**
 * The program that runs a job on the login host and ends it, children included, as soon as nobody waits for it.
 *
 * There is no terminal whose hang-up would end the job, and a half-open connection keeps sshd waiting for hours. So
 * the job gets a process group of its own (setsid), and a watchdog reads a heartbeat from standard input: when that
 * closes (connection lost), falls silent (link frozen) or goes on for too long, the group is sent SIGTERM, and SIGKILL
 * after the grace period. The same is done for children left behind by a job that ended by itself.
 *
 * Two things protect the clean-up of a launch script, which deletes its pod in a bash EXIT trap:
 * - SIGTERM is sent once. `timeout -k` around the job would send it twice, to its child and to the group, and bash
 *   then dies in the middle of the trap (seen in one of eight runs). So `timeout` only bounds the wait for a heartbeat.
 * - The job writes to a reader that outlives the connection. With sshd's end of the pipe gone, the first line that the
 *   trap prints would end it by SIGPIPE. Both streams go the same way, so they keep their order.
 *
 * Written for a POSIX sh and one line long without apostrophes or exclamation marks: the account's login shell,
 * csh or fish perhaps, has to pass it on. Needs setsid (util-linux) and timeout (coreutils or busybox).
 */
const supervisor = [
  "end() { kill -TERM -$job 2>/dev/null || return 0; n=0;",
  "while [ $n -lt $grace ] && kill -0 -$job 2>/dev/null; do sleep 1; n=$((n+1)); done;",
  "kill -KILL -$job 2>/dev/null; };",
  "supervise() { silence=$1 grace=$2 beats=$3; shift 3;",
  'setsid "$@" 3<&- </dev/null & job=$!;',
  "( exec >/dev/null 2>&1;",
  'while [ $beats -gt 0 ] && timeout $silence sh -c "read -r beat" <&3; do beats=$((beats-1)); done;',
  // A connection may be lost before setsid has made the group.
  "kill -0 -$job || sleep 1; end ) & watchdog=$!;",
  'trap "end; exit 143" HUP INT TERM;',
  // What the shell says of processes that it ends itself does not belong into the job's output.
  "wait $job; status=$?; exec 2>/dev/null;",
  "kill $watchdog; end; return $status; };",
  // 3: heartbeat, 4: the job's exit status, 5: the connection.
  "exec 3<&0 5>&1;",
  'status=$( { { supervise "$@" 4>&- 5>&- 2>&1; echo $? >&4; }',
  "| { cat >&5; cat >/dev/null; } 4>&-; } 4>&1 );",
  "exit ${status:-143}",
].join(" ")

/** The command line to give to sshd: the job under supervision. Its exit status is the job's. */
export function supervisedCommand(words: readonly string[], limits: WatchdogLimits): string {
  const { silenceSeconds, graceSeconds, maximalBeats } = limits
  const numbers = [silenceSeconds, graceSeconds, maximalBeats].map((number) => String(Math.ceil(number)))
  return `exec ${shellCommand(["/bin/sh", "-c", supervisor, "gpu-test", ...numbers, ...words])}`
}
