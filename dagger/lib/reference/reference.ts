import { trimEnd } from "../text/trim.js"

/** A repository in a registry: `ghcr.io/ucsd-ets/datascience-notebook`. */
export interface Repository {
  /** Host with port where one is given; `docker.io` where none is. */
  readonly registry: string
  /** Path without host; `library/debian` for Docker Hub's official images. */
  readonly path: string
}

/** A repository with a tag, a digest, both (the digest decides) or neither (then `latest`). */
export interface ImageReference extends Repository {
  readonly tag?: string
  /** `sha256:<64 hex digits>`. */
  readonly digest?: string
}

/** An image in a registry, by its digest. */
export type PinnedReference = ImageReference & { readonly digest: string }

/** A text that is not an image reference; the message says which part is wrong and what is accepted. */
export class InvalidReference extends Error {
  override readonly name = "InvalidReference"
}

const dockerHub = "docker.io"
/** Tag grammar of the OCI distribution specification, section "Pulling manifests". */
const tagGrammar = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/
const digestGrammar = /^sha256:[0-9a-f]{64}$/
/** Path grammar of the OCI distribution specification, section "Pulling manifests". */
const pathGrammar = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/
/** Names, IPv4 addresses and IPv6 addresses in brackets, with an optional port. */
const hostGrammar =
  /^(?:\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*)(?::([0-9]{1,5}))?$/
/** Docker's limit, counted without the host. */
const longestPath = 255

/** Whether a text may be a tag. */
export function isTag(text: string): boolean {
  return tagGrammar.test(text)
}

/**
 * Parses `[host[:port]/]path[:tag][@digest]` with Docker's defaults: no host means Docker Hub, and a Docker Hub
 * path of one part is an official image (`library/`). Hosts are lower-cased: their case says nothing.
 * @throws InvalidReference
 */
export function parseReference(text: string): ImageReference {
  refuseLong(text)
  const [named = "", digest, ...more] = text.split("@")
  if (more.length > 0) throw new InvalidReference(`"${text}" has more than one "@"`)
  if (digest !== undefined && !digestGrammar.test(digest)) {
    throw new InvalidReference(`"${text}": a digest is "sha256:" and 64 lower-case hex digits`)
  }
  const colon = named.indexOf(":", named.lastIndexOf("/") + 1)
  const tag = colon === -1 ? undefined : named.slice(colon + 1)
  if (tag !== undefined && !isTag(tag)) {
    throw new InvalidReference(
      `"${text}": a tag has at most 128 letters, digits, ".", "_" or "-" and starts with neither "." nor "-"`,
    )
  }
  const repository = splitHost(colon === -1 ? named : named.slice(0, colon), text)
  return { ...repository, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) }
}

/**
 * Parses a repository: a reference without tag and digest.
 * @throws InvalidReference
 */
export function parseRepository(text: string): Repository {
  const { tag, digest, ...repository } = parseReference(text)
  if (tag !== undefined || digest !== undefined) {
    throw new InvalidReference(
      `"${text}" has a ${tag === undefined ? "digest" : "tag"} where only a repository is accepted`,
    )
  }
  return repository
}

/** `host/path[:tag][@digest]`, with Docker Hub's host spelled out. */
export function formatReference({ registry, path, tag, digest }: ImageReference): string {
  return `${registry}/${path}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`
}

/** Whether two references name the same repository, whatever their tags. */
export function sameRepository(a: Repository, b: Repository): boolean {
  return a.registry === b.registry && a.path === b.path
}

/**
 * Moves a repository to another registry and organisation (`--registry`); the last part of its path stays.
 * @param prefix `host[:port]` or `host[:port]/organisation`
 * @throws InvalidReference
 */
export function underRegistry(prefix: string, repository: Repository): Repository {
  refuseLong(prefix)
  const last = repository.path.slice(repository.path.lastIndexOf("/") + 1)
  const bare = trimEnd(prefix, "/")
  // A lone word could be a host or an organisation: here it is always the host, as the option is named.
  const [host = "", ...organisation] = bare.split("/")
  const path = [...organisation, last].join("/")
  if (!pathGrammar.test(path)) throw new InvalidReference(`"${prefix}" is not a registry and organisation`)
  if (!isHost(host)) {
    throw new InvalidReference(
      `"${prefix}": every reader of "${host}/..." would take "${host}" for an organisation of ${dockerHub}; a host has a dot or a port`,
    )
  }
  return inRegistry(host, path, prefix)
}

/** A name of DNS, a path, a tag and a digest together: nothing longer is repeated in a message. */
const longestReference = 253 + longestPath + 128 + 80

function refuseLong(text: string): void {
  if (text.length <= longestReference) return
  throw new InvalidReference(`"${text.slice(0, 60)}...": accepted are at most ${longestReference} characters`)
}

function splitHost(named: string, text: string): Repository {
  const slash = named.indexOf("/")
  const first = slash === -1 ? "" : named.slice(0, slash)
  const hasHost = isHost(first)
  const path = hasHost ? named.slice(slash + 1) : named
  const repository = inRegistry(hasHost ? first : dockerHub, path, text)
  if (!pathGrammar.test(path)) {
    throw new InvalidReference(
      `"${text}": a repository is lower-case letters, digits and single ".", "_", "-" between them, parts joined by "/"`,
    )
  }
  if (path.length > longestPath) {
    throw new InvalidReference(`"${text}": a repository has at most ${longestPath} characters`)
  }
  return repository
}

/** Whether the first part of a reference is a host: Docker's rule. */
function isHost(first: string): boolean {
  return first.includes(".") || first.includes(":") || first === "localhost"
}

/** @param text what the user wrote, for the message */
function inRegistry(host: string, path: string, text: string): Repository {
  const registry = host.toLowerCase()
  const match = hostGrammar.exec(registry)
  if (match === null) throw new InvalidReference(`"${text}": "${host}" is not a registry's host`)
  const port = Number(match[1] ?? 1)
  if (port < 1 || port > 65_535) {
    throw new InvalidReference(`"${text}": a port is between 1 and 65535`)
  }
  if (registry !== dockerHub && registry !== "index.docker.io") return { registry, path }
  return { registry: dockerHub, path: path.includes("/") ? path : `library/${path}` }
}
