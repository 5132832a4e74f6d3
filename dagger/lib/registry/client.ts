import { createHash } from "node:crypto"
import * as z from "zod"
import type { ImageReference, Repository } from "../reference/reference.js"
import type { Descriptor, Manifest } from "./manifest.js"
import { mediaTypeOf } from "./manifest.js"
import { acceptedManifests, mediaTypes } from "./mediaTypes.js"
import { parseJson, RegistryError } from "./registryError.js"
import type { RegistryFailure } from "./registryError.js"
import type { AccessScope } from "./login.js"
import { RegistryTransport } from "./transport.js"
import type { ApiRequest, RegistryOptions } from "./transport.js"
import type { WireAnswer } from "./wire.js"
import { errorOf } from "./wire.js"

/** The part of a registry that promotion and planning need; `RegistryClient` is it. */
export interface ManifestStore {
  /** What a reference names now, or undefined where there is nothing. @throws RegistryError */
  resolve(reference: ImageReference): Promise<Descriptor | undefined>
  /** A manifest, byte for byte, or undefined where there is none. @throws RegistryError */
  manifest(reference: ImageReference): Promise<Manifest | undefined>
  /** Stores a manifest under a tag, or under its own digest. @returns its digest @throws RegistryError */
  putManifest(
    repository: Repository,
    tag: string | undefined,
    manifest: Pick<Manifest, "bytes" | "mediaType">,
  ): Promise<string>
}

/**
 * A client of the OCI distribution API for manifests and configurations; layers are never moved.
 * Every method throws RegistryError.
 */
export class RegistryClient implements ManifestStore {
  private readonly transport: RegistryTransport
  /** By registry, whether its HEAD has told the truth once: then "there is none" needs no GET. */
  private readonly trusted = new Map<string, Promise<boolean>>()

  constructor(options: RegistryOptions = {}) {
    this.transport = new RegistryTransport(options)
  }

  /** Names repositories that are going to be asked about, so that each registry is asked for one token for all of its. */
  expect(repositories: Iterable<Repository>): void {
    const paths = new Map<string, string[]>()
    for (const { registry, path } of repositories) paths.set(registry, [...(paths.get(registry) ?? []), path])
    for (const [registry, its] of paths) this.transport.expect(registry, its)
  }

  /**
   * One HEAD request, if the registry tells digest and size in its headers. Where it refuses, a GET: some know no HEAD,
   * and only the body of an answer holds the reason.
   */
  async resolve(reference: ImageReference): Promise<Descriptor | undefined> {
    const answer = await this.manifestRequest("HEAD", reference).catch((error: unknown) => error)
    if (!isAnswer(answer)) return this.resolveByGet(reference, answer)
    const digest = answer.headers.get("docker-content-digest")
    const size = Number(answer.headers.get("content-length") ?? Number.NaN)
    const mediaType = contentType(answer)
    // No manifest is empty: proxies say 0 because a HEAD's answer is.
    if (digest === null || !(size > 0) || !acceptedManifests.includes(mediaType)) {
      return this.manifest(reference)
    }
    requireDigest(answer, digest, reference.digest)
    this.trusted.set(reference.registry, Promise.resolve(true))
    return { digest, size, mediaType }
  }

  private async resolveByGet(reference: ImageReference, refusal: unknown): Promise<Descriptor | undefined> {
    // A token server's refusal has its reason, and a wrong password must not be sent again.
    const isRefused =
      refusal instanceof RegistryError && refusal.method === "HEAD" && refusedKinds.has(refusal.kind)
    if (!isRefused) throw refusal
    if (refusal.kind === "not-found") return this.confirmAbsence(reference)
    try {
      return await this.manifest(reference, 1)
    } catch (error) {
      // What never came to an answer tells less than the first refusal.
      throw error instanceof RegistryError && error.status === undefined ? refusal : error
    }
  }

  /** One GET for a registry does, for requests at the same time too. */
  private async confirmAbsence(reference: ImageReference): Promise<Descriptor | undefined> {
    if ((await this.trusted.get(reference.registry)) === true) return undefined
    const manifest = this.manifest(reference)
    const isTrue = manifest.then(
      (found) => found === undefined,
      () => false,
    )
    this.trusted.set(reference.registry, isTrue)
    return manifest
  }

  async manifest(reference: ImageReference, tries?: number): Promise<Manifest | undefined> {
    const answer = await orUndefined(this.manifestRequest("GET", reference, tries))
    if (answer === undefined) return undefined
    const bytes = answer.body
    const digest = digestOf(bytes)
    requireDigest(answer, digest, answer.headers.get("docker-content-digest") ?? undefined)
    requireDigest(answer, digest, reference.digest)
    const mediaType = mediaTypeOf(bytes, contentType(answer))
    if (!acceptedManifests.includes(mediaType)) {
      const message = `a manifest of type "${mediaType}", which is not supported`
      throw errorOf(answer.request, { kind: "protocol", message })
    }
    return { digest, size: bytes.length, mediaType, bytes }
  }

  async putManifest(
    repository: Repository,
    tag: string | undefined,
    manifest: Pick<Manifest, "bytes" | "mediaType">,
  ): Promise<string> {
    await this.put(repository, tag, manifest)
    return digestOf(manifest.bytes)
  }

  /**
   * Stores a manifest that has a `subject`, under its digest.
   * @returns whether the registry lists it by itself (OCI distribution 1.1: it answers with `OCI-Subject` then)
   */
  async putReferrer(
    repository: Repository,
    manifest: Pick<Manifest, "bytes" | "mediaType">,
  ): Promise<boolean> {
    return (await this.put(repository, undefined, manifest)).headers.has("oci-subject")
  }

  private async put(
    repository: Repository,
    tag: string | undefined,
    { bytes, mediaType }: Pick<Manifest, "bytes" | "mediaType">,
  ): Promise<WireAnswer> {
    const digest = digestOf(bytes)
    const headers = { "content-type": mediaType }
    const path = manifestPath(repository, tag ?? digest)
    const answer = await this.request("PUT", repository, path, { headers, body: bytes })
    requireDigest(answer, digest, answer.headers.get("docker-content-digest") ?? undefined)
    return answer
  }

  /**
   * What the registry lists as referring to a manifest (OCI distribution 1.1, "Listing Referrers"): the first page, as
   * it stands, or undefined where the registry has no such API.
   */
  async referrers(repository: Repository, digest: string): Promise<Uint8Array | undefined> {
    const path = `/v2/${repository.path}/referrers/${digest}`
    const request = this.request("GET", repository, path, { headers: { accept: mediaTypes.ociIndex } })
    const answer = await request.catch((error: unknown) => {
      if (error instanceof RegistryError && withoutApi.has(error.kind)) return undefined
      throw error
    })
    // What answers everything with a page of its own has no API either.
    if (answer === undefined || contentType(answer) !== mediaTypes.ociIndex) return undefined
    return answer.body
  }

  /** Stores a small blob, unless it is there (OCI distribution, "Pushing a blob monolithically"). */
  async uploadBlob(repository: Repository, bytes: Uint8Array): Promise<void> {
    const digest = digestOf(bytes)
    // The token for the upload does for the question, too.
    const scopes = [scopeOf(repository, true)]
    const there = this.request("HEAD", repository, blobPath(repository, digest), { scopes })
    if ((await orUndefined(there)) !== undefined) return
    const begun = await this.request("POST", repository, blobPath(repository, "uploads/"))
    const headers = { "content-type": "application/octet-stream" }
    await this.request("PUT", repository, uploadPath(begun, digest), { headers, body: bytes })
  }

  /** A small blob: an image's configuration. */
  async blob(repository: Repository, { digest }: Pick<Descriptor, "digest">): Promise<Uint8Array> {
    const answer = await this.request("GET", repository, blobPath(repository, digest))
    requireDigest(answer, digestOf(answer.body), digest)
    return answer.body
  }

  /**
   * All tags of a repository, page by page (OCI distribution specification, "Listing Tags"); none where it does not exist.
   * @throws RegistryError protocol, where a page leads to one that was read before, and others
   */
  async tags(repository: Repository): Promise<readonly string[]> {
    // Distribution before 3.0 knows no pages, and gives everything again.
    const found = new Set<string>()
    const read = new Set<string>()
    let path: string | undefined = `/v2/${repository.path}/tags/list?n=${tagsOfPage}`
    while (path !== undefined) {
      const answer = await orUndefined(this.request("GET", repository, path))
      if (answer === undefined) break
      for (const tag of tagsIn(answer)) found.add(tag)
      read.add(path)
      path = nextPage(answer)
      if (path !== undefined && read.has(path)) {
        throw errorOf(answer.request, { kind: "protocol", message: "its list of tags goes in a circle" })
      }
    }
    return [...found]
  }

  /**
   * Deletes a manifest, and with it every tag that names it.
   * @returns false where there was none any more
   * @throws RegistryError refused (405), where the registry deletes nothing, and others
   */
  async deleteManifest(repository: Repository, digest: string): Promise<boolean> {
    const scopes = [{ ...scopeOf(repository, true), remove: true }]
    const request = this.request("DELETE", repository, manifestPath(repository, digest), { scopes })
    return (await orUndefined(request)) !== undefined
  }

  private manifestRequest(
    method: "GET" | "HEAD",
    reference: ImageReference,
    tries?: number,
  ): Promise<WireAnswer> {
    const path = manifestPath(reference, reference.digest ?? reference.tag ?? "latest")
    return this.request(method, reference, path, {
      headers: { accept: acceptedManifests.join(", ") },
      tries,
    })
  }

  /** @param more its scopes, where they are not those of reading for GET and HEAD and of writing for others */
  private request(
    method: ApiRequest["method"],
    repository: Repository,
    path: string,
    more: Partial<ApiRequest> = {},
  ): Promise<WireAnswer> {
    const scopes = [scopeOf(repository, method !== "GET" && method !== "HEAD")]
    return this.transport.request({ method, registry: repository.registry, path, scopes, ...more })
  }
}

/** Tags of one page: registries give fewer where they want to. */
const tagsOfPage = 1000

const tagsDocument = z.object({ tags: z.array(z.string()).nullish() })

function tagsIn({ body, request }: WireAnswer): readonly string[] {
  const parsed = tagsDocument.safeParse(parseJson(body))
  if (parsed.success) return parsed.data.tags ?? []
  throw errorOf(request, { kind: "protocol", message: "its list of tags cannot be read" })
}

/** `Link: </v2/org/image/tags/list?n=1000&last=x>; rel="next"` (RFC 5988); only the registry itself is followed. */
function nextPage({ headers, request }: WireAnswer): string | undefined {
  const target = /<([^>]*)>\s*;[^,]*\brel="?next"?/i.exec(headers.get("link") ?? "")?.[1]
  if (target === undefined) return undefined
  const url = URL.canParse(target, request.url.href) ? new URL(target, request.url) : undefined
  if (url?.origin === request.url.origin) return `${url.pathname}${url.search}`
  throw errorOf(request, { kind: "protocol", message: "its list of tags goes on at another place" })
}

/** Refusals of a HEAD after which a GET may be answered, or tell why not. */
const refusedKinds: ReadonlySet<RegistryFailure> = new Set([
  "not-found",
  "refused",
  "denied",
  "unauthorized",
  "rate-limited",
])

/** How registries without the API for referrers answer a question for them. */
const withoutApi: ReadonlySet<RegistryFailure> = new Set(["not-found", "refused"])

/** Where an upload goes on. @throws RegistryError protocol, where that is another host: the login is none of its business */
function uploadPath({ request, headers }: WireAnswer, digest: string): string {
  const location = headers.get("location") ?? ""
  const url = location === "" ? undefined : parsedUrl(location, request.url)
  if (url?.origin !== request.url.origin) {
    throw errorOf(request, { kind: "protocol", message: "the upload of a blob is to go on elsewhere" })
  }
  url.searchParams.set("digest", digest)
  return `${url.pathname}${url.search}`
}

function parsedUrl(text: string, base: URL): URL | undefined {
  return URL.canParse(text, base.href) ? new URL(text, base) : undefined
}

function isAnswer(answer: unknown): answer is WireAnswer {
  return !(answer instanceof Error)
}

/** `sha256:<hex>` of bytes. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`
}

function manifestPath({ path }: Repository, tagOrDigest: string): string {
  return `/v2/${path}/manifests/${tagOrDigest}`
}

/** @param rest of the path: a digest, or where uploads begin */
function blobPath({ path }: Repository, rest: string): string {
  return `/v2/${path}/blobs/${rest}`
}

function scopeOf({ path }: Repository, write: boolean): AccessScope {
  return { repository: path, write }
}

function contentType({ headers }: WireAnswer): string {
  return (headers.get("content-type") ?? "").replace(/;.*$/, "").trim().toLowerCase()
}

function requireDigest(answer: WireAnswer, actual: string, expected: string | undefined): void {
  if (expected === undefined || expected === actual) return
  const message = `the content is ${actual}, but ${expected} was promised`
  throw errorOf(answer.request, { kind: "bad-digest", status: answer.status, message })
}

async function orUndefined(request: Promise<WireAnswer>): Promise<WireAnswer | undefined> {
  try {
    return await request
  } catch (error) {
    if (error instanceof RegistryError && error.kind === "not-found") return undefined
    throw error
  }
}
