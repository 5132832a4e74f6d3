import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { generateKeyPairSync, sign, X509Certificate } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { sigstoreProgram } from "./cosign.js"
import { freePort } from "./freePort.js"

const keys = generateKeyPairSync("rsa", { modulusLength: 2048 })
/** What a token asks with, as GitHub gives it to a job with `id-token: write`. */
export const requestToken = "request-token-of-the-job"

/** A workflow of a repository. */
export interface IdentifiedWorkflow {
  /** `owner/name` */
  readonly repository: string
  /** Name of its file. */
  readonly file: string
}

const usualWorkflow: IdentifiedWorkflow = { repository: "org/stack", file: "main.yml" }

/** Claims of GitHub for a run of a workflow on a ref. */
function githubClaims(
  issuer: string,
  ref: string,
  { repository, file } = usualWorkflow,
): Readonly<Record<string, string | number>> {
  const workflow = `${repository}/.github/workflows/${file}@${ref}`
  const sha = "1".repeat(40)
  const now = Math.floor(Date.now() / 1000)
  return {
    iss: issuer,
    aud: "sigstore",
    sub: `repo:${repository}:ref:${ref}`,
    iat: now,
    nbf: now - 5,
    exp: now + 300,
    job_workflow_ref: workflow,
    workflow_ref: workflow,
    job_workflow_sha: sha,
    workflow_sha: sha,
    sha,
    event_name: "push",
    repository,
    repository_id: "1",
    repository_owner: repository.split("/", 1)[0] ?? "",
    repository_owner_id: "2",
    repository_visibility: "public",
    workflow: "Build",
    ref,
    runner_environment: "github-hosted",
    run_id: "42",
    run_attempt: "1",
  }
}

function claimsAsked(issuer: string, asked: URLSearchParams): ReturnType<typeof githubClaims> {
  const [ref, repository, file] = ["ref", "repository", "file"].map((name) => asked.get(name) ?? "")
  return githubClaims(issuer, ref ?? "", { repository: repository ?? "", file: file ?? "" })
}

function tokenOf(claims: object, privateKey = keys.privateKey): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url")
  const signed = `${part({ alg: "RS256", typ: "JWT", kid: "1" })}.${part(claims)}`
  return `${signed}.${sign("sha256", Buffer.from(signed), privateKey).toString("base64url")}`
}

/** A real Fulcio and a real timestamp authority, and an OIDC issuer with GitHub's claims. */
export class SigstoreServices {
  private constructor(
    private readonly folder: string,
    private readonly issuerServer: Server,
    private readonly programs: readonly ChildProcess[],
    readonly issuer: string,
    readonly fulcio: string,
    readonly timestampAuthority: string,
    /** Sigstore's `TrustedRoot`, as JSON. */
    readonly trustedRoot: string,
  ) {}

  /** @param address where they listen: that of the engine's bridge, for calls of the module */
  static async start(address = "127.0.0.1"): Promise<SigstoreServices> {
    const folder = mkdtempSync(join(tmpdir(), "sigstore-"))
    const issuerServer = createServer((request, response) => {
      const url = new URL(request.url ?? "", issuer)
      const jwks = {
        keys: [{ ...keys.publicKey.export({ format: "jwk" }), kid: "1", alg: "RS256", use: "sig" }],
      }
      const answer = (value: object, status = 200) => {
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value))
      }
      if (url.pathname === "/.well-known/openid-configuration") {
        const algorithms = { id_token_signing_alg_values_supported: ["RS256"] }
        answer({ issuer, jwks_uri: `${issuer}/keys`, ...algorithms })
      } else if (url.pathname === "/keys") answer(jwks)
      else if (request.headers.authorization !== `Bearer ${requestToken}`) answer({}, 401)
      else answer({ value: tokenOf(claimsAsked(issuer, url.searchParams)) })
    })
    await new Promise<void>((done) => issuerServer.listen(0, address, done))
    const issuer = `http://${address}:${(issuerServer.address() as AddressInfo).port}`
    const config = join(folder, "config.json")
    const known = { IssuerURL: issuer, ClientID: "sigstore", Type: "github-workflow" }
    writeFileSync(config, JSON.stringify({ OIDCIssuers: { [issuer]: known } }))
    const [http, grpc, metrics, tsa] = await Promise.all([freePort(), freePort(), freePort(), freePort()])
    const start = (name: "fulcio" | "timestamp-server", words: readonly string[]) =>
      spawn(sigstoreProgram(name), ["serve", ...words], {
        cwd: folder,
        stdio: "ignore",
        env: { HOME: folder },
      })
    const ports = [`--port=${http}`, `--grpc-port=${grpc}`, `--metrics-port=${metrics}`]
    const places = [`--host=${address}`, "--grpc-host=127.0.0.1", "--ct-log-url=", `--config-path=${config}`]
    const socket = `--legacy-unix-domain-socket=${join(folder, "fulcio.sock")}`
    const programs = [
      start("fulcio", [...ports, ...places, socket, "--ca=ephemeralca"]),
      start("timestamp-server", [
        `--host=${address}`,
        `--port=${tsa}`,
        "--scheme=http",
        "--timestamp-signer=memory",
        "--disable-ntp-monitoring",
      ]),
    ]
    const [fulcio, timestampAuthority] = [`http://${address}:${http}`, `http://${address}:${tsa}`]
    const bundle = JSON.parse(await text(`${fulcio}/api/v2/trustBundle`)) as {
      chains: { certificates: string[] }[]
    }
    const chain = await text(`${timestampAuthority}/api/v1/timestamp/certchain`)
    const trustedRoot = JSON.stringify({
      mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
      tlogs: [],
      ctlogs: [],
      certificateAuthorities: [authority(fulcio, bundle.chains[0]?.certificates.join("\n") ?? "")],
      timestampAuthorities: [authority(timestampAuthority, chain)],
    })
    const urls = [issuer, fulcio, timestampAuthority] as const
    return new SigstoreServices(folder, issuerServer, programs, ...urls, trustedRoot)
  }

  /** Where a job on a ref asks for its identity. */
  identityUrl(ref: string, { repository, file } = usualWorkflow): string {
    return `${this.issuer}/token?${new URLSearchParams({ ref, repository, file }).toString()}`
  }

  /** A token that the issuer has not signed. */
  forgedToken(ref: string): string {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })
    return tokenOf(githubClaims(this.issuer, ref), privateKey)
  }

  stop(): void {
    for (const program of this.programs) program.kill("SIGKILL")
    this.issuerServer.closeAllConnections()
    this.issuerServer.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** What a service answers, once it does. */
async function text(url: string): Promise<string> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const answer = await fetch(url).catch(() => undefined)
    if (answer?.ok === true) return answer.text()
    await pause(100)
  }
  throw new Error(`${url} does not answer`)
}

function authority(uri: string, pem: string): object {
  const found = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  const certificates = found.map((each) => ({ rawBytes: new X509Certificate(each).raw.toString("base64") }))
  const subject = { organization: "test", commonName: "test" }
  return { subject, uri, certChain: { certificates }, validFor: { start: "2020-01-01T00:00:00Z" } }
}
