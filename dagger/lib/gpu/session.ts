import type { Client, ClientChannel, ConnectConfig } from "ssh2"
import type { Credentials } from "./credentials.js"
import { Login, redactorOf } from "./credentials.js"
import type { HostKeyPin } from "./hostKey.js"
import { describePin, fingerprintOf, hostKeyAlgorithms, isPinned } from "./hostKey.js"
import type { RemoteEnd } from "./judge.js"
import { LineSplitter } from "./transcript.js"
import type { ObstacleReason, RemoteJob } from "./verdict.js"

/** The account on the login host, and how each side proves itself. */
export interface LoginHost {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly hostKey: HostKeyPin
  readonly credentials: Credentials
}

/** Time limits of a session, all in seconds. */
export interface SessionLimits {
  /** TCP connection, key exchange and login together. */
  readonly handshakeSeconds: number
  /** How often the host is asked for a sign of life and the job's watchdog is given one. */
  readonly keepaliveSeconds: number
  /** Unanswered questions after which the link counts as frozen. */
  readonly keepaliveCount: number
  /** The whole session. */
  readonly deadlineSeconds: number
  /** How long a job may take to end when it is told to. */
  readonly graceSeconds: number
}

/** What a session tells while it runs. */
export interface SessionObserver {
  /** Logged in; the command starts. */
  connected(): void
  /** A line of output, without its line end. */
  line(stream: "stdout" | "stderr", text: string): void
}

/** How a session ended, and what became of the job. */
export interface SessionResult {
  readonly end: RemoteEnd
  readonly job: RemoteJob
}

/**
 * Runs a command on the login host and waits for its end. The command is expected to end its job when its standard
 * input closes or falls silent (`supervisedCommand`). Never rejects: what goes wrong is part of the result.
 */
export async function runRemote(
  login: LoginHost,
  command: string,
  limits: SessionLimits,
  observer: SessionObserver,
): Promise<SessionResult> {
  if (login.hostKey.kind === "none") return notStarted("unknown-host-key", placeOf(login))
  // Loaded only here: it takes longer to load than the rest of the module.
  const ssh2 = await import("ssh2")
  return new Session(new ssh2.default.Client(), login, command, limits, observer).run()
}

function notStarted(reason: ObstacleReason, detail: string): SessionResult {
  return { end: { kind: "broken", reason, detail }, job: "not-started" }
}

/** Seconds that the host's report of the job's end may take on its way. */
const reportSeconds = 5

/** One connection, one command. */
class Session {
  private readonly login: Login
  private readonly timers: NodeJS.Timeout[] = []
  private readonly result: Promise<SessionResult>
  private settle: (result: SessionResult) => void = () => undefined
  private channel: ClientChannel | undefined
  private tcpConnected = false
  private loggedIn = false
  /** The command was sent, so the job may be running. */
  private requested = false
  private shownKey: Buffer | undefined
  private gaveUp: Extract<RemoteEnd, { kind: "broken" }> | undefined

  constructor(
    private readonly client: Client,
    private readonly host: LoginHost,
    private readonly command: string,
    private readonly limits: SessionLimits,
    private readonly observer: SessionObserver,
  ) {
    this.login = new Login(host.credentials)
    this.result = new Promise((resolve) => {
      this.settle = resolve
    })
  }

  async run(): Promise<SessionResult> {
    this.after(this.limits.deadlineSeconds, () => {
      this.giveUp("deadline", `${this.limits.deadlineSeconds} s`)
    })
    this.listen()
    try {
      this.client.connect(this.settings())
    } catch (error) {
      // Before anything is sent ssh2 reads the private key; nothing else in its settings comes from the user.
      this.break("unusable-key", `${messageOf(error)}${keyAdvice(this.host.credentials.privateKey)}`)
    }
    try {
      return await this.result
    } finally {
      this.timers.forEach(clearTimeout)
      this.client.destroy()
    }
  }

  /** Ends the job and then the session; where the job's end is not reported in time, without it. */
  giveUp(reason: ObstacleReason, detail: string): void {
    if (this.gaveUp !== undefined) return
    this.gaveUp = { kind: "broken", reason, detail }
    if (this.channel === undefined) {
      this.break(reason, detail)
      return
    }
    // The end of its standard input tells the supervisor on the host to end the job.
    this.channel.end()
    this.after(this.limits.graceSeconds + reportSeconds, () => {
      this.break(reason, detail)
    })
  }

  private settings(): ConnectConfig {
    const { host, port, user, hostKey } = this.host
    return {
      host,
      port,
      username: user,
      ...this.login.settings,
      readyTimeout: this.limits.handshakeSeconds * 1000,
      keepaliveInterval: this.limits.keepaliveSeconds * 1000,
      keepaliveCountMax: this.limits.keepaliveCount,
      algorithms: { serverHostKey: hostKeyAlgorithms(hostKey) },
      hostVerifier: (key: Buffer) => {
        this.shownKey = key
        return isPinned(hostKey, key)
      },
    }
  }

  private listen(): void {
    this.client
      .on("connect", () => {
        this.tcpConnected = true
      })
      .on("keyboard-interactive", (_name, _instructions, _language, prompts, finish) => {
        this.login.answer(prompts, finish)
      })
      .on("change password", () => {
        this.break("unanswerable-prompt", "the password has expired and has to be changed first")
      })
      .on("ready", () => {
        this.loggedIn = true
        this.observer.connected()
        this.start()
      })
      .on("error", (error) => {
        this.fail(error)
      })
      .on("close", () => {
        this.break(
          "connection-lost",
          this.requested ? "the host closed it" : "the host closed it during the login",
        )
      })
  }

  private start(): void {
    this.requested = true
    this.client.exec(this.command, (error, channel) => {
      if (error !== undefined) {
        this.requested = false
        this.break("launch-failed", `the host runs no command: ${error.message}`)
        return
      }
      this.channel = channel
      if (this.gaveUp === undefined) this.follow(channel)
      else channel.end()
    })
  }

  private follow(channel: ClientChannel): void {
    const redact = redactorOf(this.host.credentials)
    const stdout = new LineSplitter((line) => {
      this.observer.line("stdout", line)
    }, redact)
    const stderr = new LineSplitter((line) => {
      this.observer.line("stderr", line)
    }, redact)
    let end: RemoteEnd | undefined
    channel.on("data", (bytes: Buffer) => {
      stdout.write(bytes)
    })
    channel.stderr.on("data", (bytes: Buffer) => {
      stderr.write(bytes)
    })
    channel.on("exit", (status: number | null, signal?: string) => {
      end =
        status === null ? { kind: "signalled", signal: withoutPrefix(signal) } : { kind: "exited", status }
    })
    channel.on("close", () => {
      stdout.end()
      stderr.end()
      this.finish(end)
    })
    // The channel reports a broken connection too; the client's own error says more.
    channel.on("error", () => undefined)
    this.beat(channel)
  }

  private beat(channel: ClientChannel): void {
    const heartbeat = () => {
      if (channel.writable) channel.write("\n")
    }
    heartbeat()
    this.timers.push(setInterval(heartbeat, this.limits.keepaliveSeconds * 1000))
  }

  private finish(end: RemoteEnd | undefined): void {
    if (end === undefined) {
      this.break("connection-lost", "before the host reported how the command ended")
      return
    }
    // A supervisor that was killed could end nothing any more; its watchdog does, when the channel closes.
    const job = end.kind === "exited" ? "ended" : "left-to-watchdog"
    this.settle({ end: this.gaveUp ?? end, job })
  }

  private fail(error: Error & { level?: string; code?: unknown }): void {
    const { message } = error
    if (this.loggedIn) {
      const frozen = error.level === "client-timeout"
      const silence = this.limits.keepaliveSeconds * (this.limits.keepaliveCount + 1)
      this.break(frozen ? "frozen" : "connection-lost", frozen ? `no sign of life for ${silence} s` : message)
    } else if (error.level === "client-authentication" || message.includes("authentication failures")) {
      const { reason, detail } = this.login.refusal
      this.break(reason, detail)
    } else if (this.isForeignKey(message)) {
      this.break("changed-host-key", this.describeKeys())
    } else if (error.level === "client-timeout") {
      const waited = `no answer within ${this.limits.handshakeSeconds} s`
      this.break(this.tcpConnected ? "frozen" : "unreachable", waited)
    } else {
      this.break(this.tcpConnected ? "connection-lost" : "unreachable", message)
    }
  }

  /** Either the shown key was refused, or the host has none of the pinned key's type. */
  private isForeignKey(message: string): boolean {
    const refused = this.shownKey !== undefined && !isPinned(this.host.hostKey, this.shownKey)
    return refused || message.includes("no matching host key format")
  }

  private describeKeys(): string {
    const shown = this.shownKey === undefined ? "none of the pinned key's type" : fingerprintOf(this.shownKey)
    return `it shows ${shown}, pinned is ${describePin(this.host.hostKey)}`
  }

  /** Ends the session without the host's word; the first reason counts. */
  private break(reason: ObstacleReason, detail: string): void {
    const end = this.gaveUp ?? { kind: "broken", reason, detail }
    this.settle({ end, job: this.requested ? "left-to-watchdog" : "not-started" })
  }

  private after(seconds: number, act: () => void): void {
    this.timers.push(setTimeout(act, seconds * 1000))
  }
}

/** The place as known_hosts has it, which OpenSSH takes in other forms too. */
function placeOf({ host, port }: LoginHost): string {
  if (port === 22) return `${host}:${port}`
  return `${host}:${port}, a line of known_hosts for it begins with "[${host}]:${port}"`
}

/** What to do with keys that ssh2 does not read. */
function keyAdvice(privateKey = ""): string {
  if (/BEGIN (?:ENCRYPTED )?PRIVATE KEY/.test(privateKey)) {
    return '; "ssh-keygen -p -m PEM -f <file>" turns a key in PKCS#8 into one that can be read'
  }
  return /BEGIN [A-Z ]*PRIVATE KEY/.test(privateKey)
    ? '; accepted are keys in PEM or OpenSSH format without a passphrase ("ssh-keygen -p -m PEM -f <file>")'
    : ""
}

function withoutPrefix(signal: string | undefined): string {
  return (signal ?? "unknown").replace(/^SIG/, "")
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
