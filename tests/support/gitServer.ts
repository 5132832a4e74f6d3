import { execFile, execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import type { IncomingMessage, ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

/** Who may log in, and where it listens. */
export interface GitServerOptions {
  readonly user: string
  readonly token: string
  /** Logs in, but may not push. */
  readonly readOnlyToken?: string
  /** Whoever does not log in may read. */
  readonly publicReads?: boolean
  /** Listen on all addresses, for an engine's containers; else on loopback only. */
  readonly bindAll?: boolean
}

/** A real git server over HTTP: `git http-backend` behind a login. */
export interface GitServer {
  /** `http://127.0.0.1:<port>`; repositories are below it by their path in `dir`. */
  readonly url: string
  readonly port: number
  /** Folder of the bare repositories. */
  readonly dir: string
  /** Makes an empty bare repository. @returns its URL */
  create(name: string, options?: { readonly branch?: string }): string
  /** Git in a bare repository, to look at what was pushed. */
  git(name: string, ...args: readonly string[]): string
  /** Paths and user of the requests so far. */
  readonly requests: readonly string[]
  stop(): Promise<void>
}

/** Starts a server on a free port. */
export async function startGitServer(options: GitServerOptions): Promise<GitServer> {
  const dir = mkdtempSync(join(tmpdir(), "git-server-"))
  const backend = join(execFileSync("git", ["--exec-path"], { encoding: "utf8" }).trim(), "git-http-backend")
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(`${request.method ?? ""} ${request.url ?? ""}`)
    const refusal = refusalOf(request, options)
    if (refusal === undefined) serve(backend, dir, request, response)
    else response.writeHead(refusal, { "WWW-Authenticate": 'Basic realm="git"' }).end()
  })
  server.listen(0, options.bindAll === true ? "0.0.0.0" : "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    port,
    dir,
    requests,
    create: (name, { branch = "master" } = {}) => {
      mkdirSync(join(dir, name), { recursive: true })
      execFileSync("git", ["init", "--quiet", "--bare", "-b", branch, join(dir, name)])
      execFileSync("git", ["-C", join(dir, name), "config", "http.receivepack", "true"])
      return `${url}/${name}`
    },
    git: (name, ...args) => execFileSync("git", ["-C", join(dir, name), ...args], { encoding: "utf8" }),
    stop: async () => {
      server.closeAllConnections()
      await promisify(server.close.bind(server))()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** Status of a refusal: 401 without the right login, 403 for a push that is not allowed; undefined to go on. */
function refusalOf({ headers, url = "" }: IncomingMessage, options: GitServerOptions): number | undefined {
  const { user, token, readOnlyToken, publicReads = false } = options
  if (publicReads && headers.authorization === undefined && !url.includes("receive-pack")) return undefined
  const login = Buffer.from((headers.authorization ?? "").replace(/^Basic /, ""), "base64").toString()
  if (login === `${user}:${token}`) return undefined
  if (readOnlyToken === undefined || login !== `${user}:${readOnlyToken}`) return 401
  return url.includes("receive-pack") ? 403 : undefined
}

/** Runs the backend as a CGI program (RFC 3875). */
function serve(backend: string, dir: string, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, search } = new URL(request.url ?? "/", "http://localhost")
  const child = spawn(backend, {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: dir,
      GIT_HTTP_EXPORT_ALL: "1",
      REQUEST_METHOD: request.method,
      PATH_INFO: decodeURIComponent(pathname),
      QUERY_STRING: search.slice(1),
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
      GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
      REMOTE_USER: "publisher",
    },
    stdio: ["pipe", "pipe", "ignore"],
  })
  child.stdin.on("error", () => undefined)
  request.pipe(child.stdin)
  let head = Buffer.alloc(0)
  const readHead = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk])
    const end = head.indexOf("\r\n\r\n")
    if (end === -1) return
    child.stdout.off("data", readHead)
    writeHead(response, head.subarray(0, end).toString())
    response.write(head.subarray(end + 4))
    child.stdout.pipe(response)
  }
  child.stdout.on("data", readHead)
  child.on("close", () => response.end())
}

function writeHead(response: ServerResponse, head: string): void {
  const headers = head.split("\r\n").map((line) => line.split(/:\s*/, 2) as [string, string])
  const status = headers.find(([name]) => name === "Status")?.[1]
  response.writeHead(
    Number.parseInt(status ?? "200", 10),
    Object.fromEntries(headers.filter(([name]) => name !== "Status")),
  )
}

/** Runs a program and gives all that it printed, with its status. */
export async function runProgram(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly stdout: string; readonly stderr: string }> {
  return await new Promise((resolve) => {
    execFile(
      program,
      [...args],
      { env: { ...process.env, ...env }, maxBuffer: 64 << 20 },
      (error, stdout, stderr) => {
        resolve({ status: error === null ? 0 : Number(error.code ?? 1), stdout, stderr })
      },
    )
  })
}
