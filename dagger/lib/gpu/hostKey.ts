import { createHash, createHmac } from "node:crypto"
import type { ServerHostKeyAlgorithm } from "ssh2"
import type { PatternPart } from "../text/wildcards.js"
import { matchesWhole } from "../text/wildcards.js"

/** Types of host keys that can be pinned, and the signature algorithms that prove them (RSA never with SHA-1). */
const algorithmsByType = {
  "ssh-ed25519": ["ssh-ed25519"],
  "ecdsa-sha2-nistp256": ["ecdsa-sha2-nistp256"],
  "ecdsa-sha2-nistp384": ["ecdsa-sha2-nistp384"],
  "ecdsa-sha2-nistp521": ["ecdsa-sha2-nistp521"],
  "ssh-rsa": ["rsa-sha2-512", "rsa-sha2-256"],
} as const satisfies Record<string, readonly ServerHostKeyAlgorithm[]>

/** Type of a public key, as its first field names it. */
export type HostKeyType = keyof typeof algorithmsByType

const keyTypes = Object.keys(algorithmsByType) as HostKeyType[]
/** The words in brackets at the end of `ssh-keygen -l`'s lines. */
const typesByWord: ReadonlyMap<string, readonly HostKeyType[]> = new Map([
  ["ED25519", ["ssh-ed25519"]],
  ["RSA", ["ssh-rsa"]],
  ["ECDSA", ["ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"]],
])

/** A public key of a host. */
export interface HostKey {
  readonly type: HostKeyType
  /** The key as it goes over the wire. */
  readonly raw: Buffer
}

/** How the login host proves to be itself. */
export type HostKeyPin =
  | { readonly kind: "keys"; readonly keys: readonly HostKey[] }
  /** `SHA256:` and unpadded base64; the types are all where the text names none. */
  | { readonly kind: "fingerprint"; readonly fingerprint: string; readonly types: readonly HostKeyType[] }
  /** Nothing is known about this host: no connection may be made. */
  | { readonly kind: "none" }

/** A text that is not a host key; the message says which line and what is accepted. */
export class InvalidHostKey extends Error {
  override readonly name = "InvalidHostKey"
}

const accepted =
  "accepted are lines of a known_hosts file (ssh-keyscan prints them), a public key, or a SHA256: fingerprint"

/**
 * Reads the pinned key of a host: lines of an OpenSSH known_hosts file (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT":
 * patterns, `[host]:port`, hashed names, `@revoked`), a public key line without a host, or a fingerprint
 * (`SHA256:...`, or the whole line of `ssh-keygen -l`). Lines for other hosts are passed over.
 * @throws InvalidHostKey
 */
export function parseHostKey(text: string, host: string, port: number): HostKeyPin {
  const lines = text.split(/\r?\n/).map((line) => line.trim())
  const meaningful = lines.filter((line) => line !== "" && !line.startsWith("#"))
  const [first] = meaningful
  if (first === undefined) return { kind: "none" }
  const fingerprint = parseFingerprint(first)
  if (fingerprint !== undefined) {
    if (meaningful.length === 1) return fingerprint
    throw new InvalidHostKey("the host key has more than one line, and the first is a fingerprint")
  }
  const ours = meaningful.flatMap((line) => parseLine(line, host, port) ?? [])
  const revoked = ours.filter((entry) => entry.revoked).map((entry) => entry.key)
  const keys = ours
    .filter((entry) => !entry.revoked && !revoked.some((key) => key.raw.equals(entry.key.raw)))
    .map((entry) => entry.key)
  return keys.length === 0 ? { kind: "none" } : { kind: "keys", keys }
}

/** Whether the host that shows this key is the pinned one. Synchronous: ssh2 takes a Promise for a yes. */
export function isPinned(pin: HostKeyPin, raw: Buffer): boolean {
  switch (pin.kind) {
    case "none":
      return false
    case "fingerprint":
      return fingerprintOf(raw) === pin.fingerprint
    case "keys":
      return pin.keys.some((key) => key.raw.equals(raw))
  }
}

/** The signature algorithms to offer, so that a host with several keys shows the pinned one. */
export function hostKeyAlgorithms(pin: HostKeyPin): ServerHostKeyAlgorithm[] {
  const types = pin.kind === "keys" ? pin.keys.map((key) => key.type) : pin.kind === "none" ? [] : pin.types
  return [...new Set(types.flatMap((type) => algorithmsByType[type]))]
}

/** `SHA256:` and base64 without padding, as ssh-keygen and ssh show it. */
export function fingerprintOf(raw: Buffer): string {
  return `SHA256:${createHash("sha256").update(raw).digest("base64").replace(/=+$/, "")}`
}

/** The pin for people. */
export function describePin(pin: HostKeyPin): string {
  switch (pin.kind) {
    case "none":
      return "none"
    case "fingerprint":
      return pin.fingerprint
    case "keys":
      return pin.keys.map((key) => `${key.type} ${fingerprintOf(key.raw)}`).join(", ")
  }
}

function parseFingerprint(line: string): HostKeyPin | undefined {
  const found = /^(?:\d+ )?(SHA256:[A-Za-z0-9+/]{43})=?(?: .*)?$/.exec(line)
  const fingerprint = found?.[1]
  if (fingerprint === undefined) return undefined
  const word = /\(([A-Z0-9]+)\)$/.exec(line)?.[1]
  const types = word === undefined ? keyTypes : typesByWord.get(word)
  if (types === undefined) throw new InvalidHostKey(`host keys of the type ${word ?? ""} are not supported`)
  return { kind: "fingerprint", fingerprint, types }
}

interface KnownHost {
  readonly revoked: boolean
  readonly key: HostKey
}

/** A line of known_hosts; undefined where it is for other hosts, whatever type of key they have. */
function parseLine(line: string, host: string, port: number): KnownHost | undefined {
  const fields = line.split(/\s+/)
  const marker = line.startsWith("@") ? fields.shift() : undefined
  const bare = isKeyType(fields[0])
  const names = bare ? "*" : (fields.shift() ?? "")
  const [type, base64] = fields
  if (!bare && looksLikeKey(type, base64) && !matchesNames(names, host, port)) return undefined
  if (marker !== undefined && marker !== "@revoked") {
    throw new InvalidHostKey(`"${marker}" lines of known_hosts are not supported; ${accepted}`)
  }
  return { revoked: marker === "@revoked", key: parseKey(type, base64, line) }
}

/** Whether a line has the form of known_hosts, so that it may be left to others; all else is told as a mistake. */
function looksLikeKey(type = "", base64 = ""): boolean {
  return /^[a-z][\w.@-]*$/.test(type) && /^AAAA[A-Za-z0-9+/]+={0,2}$/.test(base64)
}

function parseKey(type: string | undefined, base64: string | undefined, line: string): HostKey {
  const shown = line.length > 60 ? `${line.slice(0, 60)}...` : line
  if (!isKeyType(type)) {
    throw new InvalidHostKey(`"${shown}" has no type of key out of ${keyTypes.join(", ")}; ${accepted}`)
  }
  if (base64 === undefined || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) {
    throw new InvalidHostKey(`"${shown}" has no key in base64; ${accepted}`)
  }
  const raw = Buffer.from(base64, "base64")
  // A key starts with the length and the text of its own type (RFC 4253, 6.6).
  const named = raw.length > 4 ? raw.subarray(4, 4 + raw.readUInt32BE(0)).toString("latin1") : ""
  if (named !== type) throw new InvalidHostKey(`"${shown}": its base64 is not a key of the type ${type}`)
  return { type, raw }
}

function isKeyType(text: string | undefined): text is HostKeyType {
  return text !== undefined && Object.hasOwn(algorithmsByType, text)
}

function matchesNames(names: string, host: string, port: number): boolean {
  // OpenSSH looks hosts up in lower case, and with the port only where it is not the standard one.
  const name = port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`
  if (names.startsWith("|")) return matchesHashed(names, name)
  const patterns = names.toLowerCase().split(",")
  const refused = patterns.some(
    (pattern) => pattern.startsWith("!") && matchesPattern(pattern.slice(1), name),
  )
  return !refused && patterns.some((pattern) => matchesPattern(pattern, name))
}

/** `|1|salt|hash`: base64 of the salt and of HMAC-SHA1(salt, name). */
function matchesHashed(hashed: string, name: string): boolean {
  const [, version, salt, hash] = hashed.split("|")
  if (version !== "1" || salt === undefined || hash === undefined) return false
  return createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest("base64") === hash
}

function matchesPattern(pattern: string, name: string): boolean {
  const parts = Array.from(pattern, (char): PatternPart => {
    if (char === "*") return { kind: "many", accepts: () => true }
    return { kind: "one", accepts: (other) => char === "?" || other === char }
  })
  return matchesWhole(parts, name)
}
