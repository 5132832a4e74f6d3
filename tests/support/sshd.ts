import { execFileSync, spawn } from "node:child_process"
import { createHash, randomBytes } from "node:crypto"
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { freePort } from "./freePort.js"

/** The ordinary account that tests log in to. */
const account = "stack-gpu-test"
const stateDirectory = "/var/cache/jupyter-stack-tests"
const sshdProgram = "/usr/sbin/sshd"

/** How a test's sshd differs from the usual one. */
export interface SshdSettings {
  /** Address to listen on; containers of the engine reach `0.0.0.0` only. */
  readonly listen?: "127.0.0.1" | "0.0.0.0"
  /** Ways to log in, as `AuthenticationMethods` takes them; any one of them suffices. */
  readonly methods?: readonly ("password" | "publickey" | "keyboard-interactive" | "publickey,password")[]
  readonly hostKeyTypes?: readonly HostKeyKind[]
  /** Further lines of sshd_config. */
  readonly config?: readonly string[]
}

/** Kinds of host keys, as `ssh-keygen -t` names them. */
export type HostKeyKind = "ed25519" | "ecdsa" | "rsa"

/** A running OpenSSH server of one test. */
export interface Sshd {
  readonly port: number
  /** known_hosts line of the first host key, for 127.0.0.1. */
  readonly hostKeyLine: string
  /** known_hosts lines by kind of key. */
  readonly hostKeyLines: ReadonlyMap<HostKeyKind, string>
  /** `SHA256:...` of the first host key. */
  readonly fingerprint: string
  readonly user: string
  readonly password: string
  /** Private key that the account accepts, in OpenSSH's format, without a passphrase. */
  readonly privateKey: string
  /** The same under a passphrase. */
  readonly encryptedKey: string
  /** What sshd logged. */
  log(): string
  stop(): Promise<void>
}

/** Whether an sshd for another account can run here: it takes root on Linux. */
export function canRunSshd(): boolean {
  return process.platform === "linux" && process.getuid?.() === 0
}

/**
 * Starts a real sshd on a free port, with keys of its own.
 * @throws Error where OpenSSH's server is not installed
 */
export async function startSshd(settings: SshdSettings = {}): Promise<Sshd> {
  if (!existsSync(sshdProgram)) throw new Error(`${sshdProgram} is missing: apt-get install openssh-server`)
  const password = ensureAccount()
  const directory = mkdtempSync(join(tmpdir(), "sshd-"))
  // The account's key is read by sshd as the account itself.
  chmodSync(directory, 0o755)
  const { listen = "127.0.0.1", hostKeyTypes = ["ed25519"] } = settings
  const publicKeys = new Map(
    hostKeyTypes.map((kind) => [kind, makeKey(join(directory, `host_${kind}`), kind)]),
  )
  const passphrase = randomBytes(12).toString("hex")
  const authorized = [
    makeKey(join(directory, "user"), "ed25519"),
    makeKey(join(directory, "locked"), "ed25519", passphrase),
  ]
  writeFileSync(join(directory, "authorized_keys"), `${authorized.join("\n")}\n`)
  const port = await freePort()
  writeFileSync(join(directory, "config"), sshdConfig(directory, listen, port, settings))
  // sshd insists on its directory for separating privileges.
  mkdirSync("/run/sshd", { recursive: true, mode: 0o755 })
  const stop = await run(directory, port)
  const [first = ""] = publicKeys.values()
  const line = (key: string) => `[127.0.0.1]:${String(port)} ${key}`
  return {
    port,
    hostKeyLine: line(first),
    hostKeyLines: new Map([...publicKeys].map(([kind, key]) => [kind, line(key)])),
    fingerprint: fingerprint(first),
    user: account,
    password,
    privateKey: readFileSync(join(directory, "user"), "utf8"),
    encryptedKey: readFileSync(join(directory, "locked"), "utf8"),
    log: () => readFileSync(join(directory, "log"), "utf8"),
    stop,
  }
}

function sshdConfig(directory: string, listen: string, port: number, settings: SshdSettings): string {
  const { methods = ["password", "publickey"], hostKeyTypes = ["ed25519"], config = [] } = settings
  const takes = (method: string) => (methods.some((one) => one.includes(method)) ? "yes" : "no")
  return [
    `Port ${String(port)}`,
    `ListenAddress ${listen}`,
    ...hostKeyTypes.map((kind) => `HostKey ${join(directory, `host_${kind}`)}`),
    "PidFile none",
    "StrictModes no",
    `AuthorizedKeysFile ${join(directory, "authorized_keys")}`,
    `AllowUsers ${account}`,
    `PasswordAuthentication ${takes("password")}`,
    `PubkeyAuthentication ${takes("publickey")}`,
    `KbdInteractiveAuthentication ${takes("keyboard-interactive")}`,
    `AuthenticationMethods ${methods.join(" ")}`,
    // Keyboard-interactive needs PAM; without it a container's missing audit service cannot get in the way.
    `UsePAM ${takes("keyboard-interactive")}`,
    "LogLevel VERBOSE",
    ...config,
    "",
  ].join("\n")
}

async function run(directory: string, port: number): Promise<() => Promise<void>> {
  const log = join(directory, "log")
  const server = spawn(sshdProgram, ["-D", "-f", join(directory, "config"), "-E", log], { stdio: "ignore" })
  const exited = new Promise<void>((resolve) => {
    server.once("exit", () => {
      resolve()
    })
  })
  for (let attempt = 0; !logged(log, `port ${String(port)}.`); attempt++) {
    if (attempt === 100 || server.exitCode !== null) {
      throw new Error(`sshd did not start:\n${logged(log, "") ? readFileSync(log, "utf8") : ""}`)
    }
    await pause(50)
  }
  return async () => {
    server.kill()
    await exited
    rmSync(directory, { recursive: true, force: true })
  }
}

function logged(log: string, text: string): boolean {
  return existsSync(log) && readFileSync(log, "utf8").includes(text)
}

/** Makes a key pair. @returns the public key's line without its comment */
function makeKey(path: string, kind: HostKeyKind, passphrase = ""): string {
  execFileSync("ssh-keygen", ["-q", "-t", kind, "-N", passphrase, "-C", "test", "-f", path])
  return readFileSync(`${path}.pub`, "utf8").split(" ").slice(0, 2).join(" ").trim()
}

function fingerprint(publicKey: string): string {
  const raw = Buffer.from(publicKey.split(" ")[1] ?? "", "base64")
  return `SHA256:${createHash("sha256").update(raw).digest("base64").replace(/=+$/, "")}`
}

/**
 * Makes the account where it is missing. Its random password is kept in a file of root's, so that tests that run at
 * the same time use the same one.
 */
function ensureAccount(): string {
  mkdirSync(stateDirectory, { recursive: true })
  const file = join(stateDirectory, "ssh-account-password")
  const script = [
    'id "$1" >/dev/null 2>&1 || useradd --create-home --shell /bin/bash "$1" || exit',
    '[ -s "$2" ] || (umask 077 && printf %s "$3" >"$2") || exit',
    'printf "%s:%s\\n" "$1" "$(cat "$2")" | chpasswd',
  ].join("\n")
  const password = randomBytes(18).toString("base64url")
  execFileSync("flock", [`${file}.lock`, "sh", "-c", script, "sh", account, file, password], {
    stdio: "pipe",
  })
  return readFileSync(file, "utf8")
}
