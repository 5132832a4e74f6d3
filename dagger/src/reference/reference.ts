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
const hostGrammar = /^(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::[0-9]{1,5})?$/

/** Whether a text may be a tag. */
export function isTag(text: string): boolean {
  return tagGrammar.test(text)
}

/**
 * Parses `[host[:port]/]path[:tag][@digest]` with Docker's defaults: no host means Docker Hub, and a Docker Hub
 * path of one part is an official image (`library/`).
 * @throws InvalidReference
 */
export function parseReference(text: string): ImageReference {
  const [named = "", digest, ...more] = text.split("@")
  if (more.length > 0) throw new InvalidReference(`"${text}" has more than one "@"`)
  if (digest !== undefined && !digestGrammar.test(digest)) {
    throw new InvalidReference(`"${text}": a digest is "sha256:" and 64 hex digits`)
  }
  const lastSlash = named.lastIndexOf("/")
  const colon = named.indexOf(":", lastSlash + 1)
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
  const last = repository.path.slice(repository.path.lastIndexOf("/") + 1)
  const bare = prefix.replace(/\/+$/, "")
  // A lone word could be a host or an organisation: here it is always the host, as the option is named.
  const [host = "", ...organisation] = bare.split("/")
  if (!hostGrammar.test(host)) throw new InvalidReference(`"${prefix}" does not start with a registry's host`)
  const path = [...organisation, last].join("/")
  if (!pathGrammar.test(path)) throw new InvalidReference(`"${prefix}" is not a registry and organisation`)
  return { registry: host === "index.docker.io" ? dockerHub : host, path }
}

function splitHost(named: string, text: string): Repository {
  const slash = named.indexOf("/")
  const first = slash === -1 ? "" : named.slice(0, slash)
  const hasHost = first.includes(".") || first.includes(":") || first === "localhost"
  if (hasHost && !hostGrammar.test(first))
    throw new InvalidReference(`"${text}": "${first}" is not a registry's host`)
  const path = hasHost ? named.slice(slash + 1) : named
  if (!pathGrammar.test(path)) {
    throw new InvalidReference(
      `"${text}": a repository is lower-case letters, digits and single ".", "_", "-" between them, parts joined by "/"`,
    )
  }
  if (!hasHost || first === "docker.io" || first === "index.docker.io") {
    return { registry: dockerHub, path: path.includes("/") ? path : `library/${path}` }
  }
  return { registry: first, path }
}
