import { execFileSync } from "node:child_process"
import { createPrivateKey, randomBytes, sign } from "node:crypto"
import type { KeyObject } from "node:crypto"
import { readFileSync } from "node:fs"
import type { IncomingMessage, ServerResponse } from "node:http"
import { join } from "node:path"
import { startFaultProxy } from "./faultProxy.js"
import type { FaultProxy, ListenSettings } from "./faultProxy.js"

const issuer = "test-issuer"
const service = "test-registry"

/** How the token server behaves. */
export interface TokenSettings {
  /** Name of the token's field in the answer; real servers use either. */
  readonly field?: "token" | "access_token"
  /** Whether everybody may pull. */
  readonly anonymousPull?: boolean
  /** A request that asks for more than may be granted is refused as a whole, as GHCR does. */
  readonly strict?: boolean
}

/** Key and certificate that sign tokens. */
export interface TokenAuthority {
  readonly key: KeyObject
  /** DER of the certificate in base64, as JSON web tokens carry it. */
  readonly certificate: string
  readonly registryConfig: Readonly<Record<string, string>>
}

/** Makes a key and a certificate that the registry trusts. */
export function makeTokenAuthority(directory: string): TokenAuthority {
  const keyPath = join(directory, "token.key")
  const path = join(directory, "token.crt")
  execFileSync(
    "openssl",
    ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"].concat(
      ["-subj", "/CN=test-issuer", "-days", "30"],
      ["-keyout", keyPath, "-out", path],
    ),
    { stdio: "pipe" },
  )
  const certificate = readFileSync(path, "utf8").replaceAll(/-----[^-]+-----|\s/g, "")
  return {
    key: createPrivateKey(readFileSync(keyPath)),
    certificate,
    registryConfig: { service, issuer, rootcertbundle: path },
  }
}

interface Login {
  readonly username: string
  readonly password: string
}

/** A server that gives tokens below `/token` and passes everything else to the registry. */
export function startTokenFront(
  registryPort: number,
  authority: TokenAuthority,
  login: Login,
  settings: TokenSettings & ListenSettings,
): Promise<FaultProxy> {
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    giveToken(request, response, authority, login, settings)
  }
  return startFaultProxy(registryPort, [{ path: /^\/token/, fault: { kind: "answer", answer } }], settings)
}

function giveToken(
  request: IncomingMessage,
  response: ServerResponse,
  authority: TokenAuthority,
  login: Login,
  { field = "token", anonymousPull = false, strict = false }: TokenSettings,
): void {
  const expected = `Basic ${Buffer.from(`${login.username}:${login.password}`).toString("base64")}`
  const given = request.headers.authorization
  if (given !== undefined && given !== expected) {
    response
      .writeHead(401)
      .end(JSON.stringify({ errors: [{ code: "UNAUTHORIZED", message: "wrong login" }] }))
    return
  }
  const mayPush = given !== undefined
  const asked = new URL(request.url ?? "/", "http://localhost").searchParams.getAll("scope")
  const access = asked.flatMap((scope) => grant(scope, mayPush, mayPush || anonymousPull))
  const wanted = asked.flatMap((scope) => grant(scope, true, true))
  if (strict && JSON.stringify(access) !== JSON.stringify(wanted)) {
    response.writeHead(403).end(JSON.stringify({ errors: [{ code: "DENIED", message: "denied" }] }))
    return
  }
  response.writeHead(200, { "content-type": "application/json" })
  response.end(JSON.stringify({ [field]: signToken(authority, access), expires_in: 300 }))
}

interface Access {
  readonly type: string
  readonly name: string
  readonly actions: readonly string[]
}

function grant(scope: string, mayPush: boolean, mayPull: boolean): Access[] {
  const [type = "", name = "", actions = ""] = scope.split(":")
  const granted = actions.split(",").filter((action) => (action === "pull" ? mayPull : mayPush))
  return granted.length === 0 ? [] : [{ type, name, actions: granted }]
}

function signToken({ key, certificate }: TokenAuthority, access: readonly Access[]): string {
  const now = Math.floor(Date.now() / 1000)
  const header = { typ: "JWT", alg: "ES256", x5c: [certificate] }
  const claims = {
    iss: issuer,
    sub: "robot",
    aud: service,
    nbf: now - 10,
    iat: now,
    exp: now + 300,
    jti: randomBytes(8).toString("hex"),
    access,
  }
  const body = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".")
  const signature = sign("sha256", Buffer.from(body), { key, dsaEncoding: "ieee-p1363" })
  return `${body}.${signature.toString("base64url")}`
}
