import { execFileSync, spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import type { FaultProxy, ListenSettings } from "./faultProxy.js"
import { makeTokenAuthority, startTokenFront } from "./registryTokens.js"
import type { TokenSettings } from "./registryTokens.js"
import { freePort } from "./freePort.js"

const program = "/usr/bin/docker-registry"

/** How a test's registry is reached. */
export interface RegistrySettings extends ListenSettings {
  /** Basic login. */
  readonly login?: boolean
  /** Login by token, from a token server on the same port. */
  readonly token?: boolean | TokenSettings
}

/** One line of the access log. */
export interface AccessLine {
  readonly method: string
  readonly path: string
  readonly status: number
  /** Bytes of the answer's body. */
  readonly bytes: number
}

/** A running registry (Debian's docker-registry) of one test, with an empty storage of its own. */
export interface TestRegistry {
  readonly port: number
  /** `127.0.0.1:<port>`: the registry part of references. */
  readonly host: string
  /** Present where a login is asked for. */
  readonly login?: { readonly username: string; readonly password: string }
  /** What stands in front of a registry with tokens and gives them; rules can be added to it. */
  readonly front?: FaultProxy
  /** What the registry itself answered, oldest first; requests for tokens are not among it. */
  accessLog(): readonly AccessLine[]
  /** Kills the server, and starts it again on the same storage and port after so many milliseconds. */
  restart(pauseMilliseconds: number): Promise<void>
  stop(): Promise<void>
}

/** Whether the registry can run here. */
export function canRunRegistry(): boolean {
  return existsSync(program)
}

/**
 * Starts a real registry, on a free port where none is given.
 * @throws Error where Debian's package docker-registry is not installed
 */
export async function startRegistry(settings: RegistrySettings = {}): Promise<TestRegistry> {
  if (!canRunRegistry()) throw new Error(`${program} is missing: apt-get install docker-registry`)
  const directory = mkdtempSync(join(tmpdir(), "registry-"))
  const login = { username: "robot", password: randomBytes(12).toString("hex") }
  const { token = false } = settings
  if (token === false) {
    const port = settings.port ?? (await freePort())
    const auth = settings.login === true ? basicAuth(directory, login) : {}
    const address = `${settings.listen ?? "127.0.0.1"}:${port}`
    const server = await run(directory, config(directory, address, auth), port)
    return registryOf(directory, port, settings.login === true ? { login } : {}, server)
  }
  // Realm and registry share one port, as the registry must know its realm's address before it starts.
  const innerPort = await freePort()
  const authority = makeTokenAuthority(directory)
  const front = await startTokenFront(innerPort, authority, login, {
    ...settings,
    ...(token === true ? {} : token),
  })
  const auth = { token: { realm: `http://${front.host}/token`, ...authority.registryConfig } }
  const server = await run(directory, config(directory, `127.0.0.1:${innerPort}`, auth), innerPort)
  const stop = async () => {
    await front.stop()
    await server.stop()
  }
  return registryOf(directory, front.port, { login, front }, { ...server, stop })
}

function registryOf(
  directory: string,
  port: number,
  parts: Pick<TestRegistry, "login" | "front">,
  server: Pick<TestRegistry, "restart" | "stop">,
): TestRegistry {
  return {
    port,
    host: `127.0.0.1:${port}`,
    ...parts,
    accessLog: () => parseAccessLog(readFileSync(join(directory, "log"), "utf8")),
    ...server,
  }
}

/** The registry's configuration; JSON is YAML. */
function config(directory: string, address: string, auth: object): string {
  return JSON.stringify({
    version: "0.1",
    log: { level: "warn", accesslog: { disabled: false } },
    storage: {
      filesystem: { rootdirectory: join(directory, "storage") },
      delete: { enabled: true },
    },
    // Relative addresses in answers stay right behind a proxy.
    http: { addr: address, secret: randomBytes(8).toString("hex"), relativeurls: true },
    auth,
  })
}

function basicAuth(directory: string, login: { username: string; password: string }): object {
  const path = join(directory, "htpasswd")
  // The registry takes bcrypt only, which Perl has from the C library.
  const salt = `$2b$05$${randomBytes(11).toString("hex")}`
  const hash = execFileSync("perl", ["-e", "print crypt($ARGV[0], $ARGV[1])", login.password, salt])
  writeFileSync(path, `${login.username}:${hash.toString()}\n`)
  return { htpasswd: { realm: "test", path } }
}

async function run(
  directory: string,
  settings: string,
  port: number,
): Promise<Pick<TestRegistry, "restart" | "stop">> {
  writeFileSync(join(directory, "config.yml"), settings)
  let kill = await serve(directory, port)
  return {
    restart: async (pauseMilliseconds) => {
      await kill()
      await pause(pauseMilliseconds)
      kill = await serve(directory, port)
    },
    stop: async () => {
      await kill()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Starts the server, and waits until it answers. @returns what kills it */
async function serve(directory: string, port: number): Promise<() => Promise<void>> {
  const log = openSync(join(directory, "log"), "a")
  const server = spawn(program, ["serve", join(directory, "config.yml")], { stdio: ["ignore", log, log] })
  closeSync(log)
  const exited = new Promise<void>((resolve) => {
    server.once("exit", () => {
      resolve()
    })
  })
  for (let attempt = 0; !(await answers(port)); attempt += 1) {
    if (attempt === 200 || server.exitCode !== null) {
      server.kill("SIGKILL")
      throw new Error(`docker-registry did not start:\n${readFileSync(join(directory, "log"), "utf8")}`)
    }
    await pause(50)
  }
  return async () => {
    server.kill("SIGKILL")
    await exited
  }
}

async function answers(port: number): Promise<boolean> {
  try {
    await (await fetch(`http://127.0.0.1:${port}/`)).arrayBuffer()
    return true
  } catch {
    return false
  }
}

/** Lines of Apache's combined log format about the API; the registry mixes them with its own messages. */
function parseAccessLog(text: string): AccessLine[] {
  return [...text.matchAll(/^\S+ - \S+ \[[^\]]+\] "(\S+) (\/v2\S*) [^"]*" (\d+) (\d+|-)/gm)].map(
    ([, method = "", path = "", status, bytes]) => ({
      method,
      path,
      status: Number(status),
      bytes: bytes === "-" ? 0 : Number(bytes),
    }),
  )
}
