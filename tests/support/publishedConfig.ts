import { createHash } from "node:crypto"

/** What of a configuration docker keeps in a published image, and Dagger 0.19 does not. */
export interface DockerConfig {
  readonly Shell?: readonly string[]
  readonly OnBuild?: readonly string[]
  readonly Healthcheck?: { readonly Test: readonly string[] }
}

/**
 * Gives a published image what docker would have left in its configuration, under the same tag.
 * @param reference with a tag, in a registry that speaks plain HTTP and knows no login
 */
export async function addToConfig(reference: string, added: DockerConfig): Promise<void> {
  const [, host = "", path = "", tag = ""] = /^([^/]+)\/(.+):([^:/]+)$/.exec(reference) ?? []
  const api = `http://${host}/v2/${path}`
  const accept = "application/vnd.oci.image.manifest.v1+json"
  const manifest = await json<Manifest>(fetch(`${api}/manifests/${tag}`, { headers: { accept } }))
  const config = await json<Config>(fetch(`${api}/blobs/${manifest.config.digest}`))
  const text = JSON.stringify({ ...config, config: { ...config.config, ...added } })
  const digest = `sha256:${createHash("sha256").update(text).digest("hex")}`
  const upload = await ok(fetch(`${api}/blobs/uploads/`, { method: "POST" }))
  const target = new URL(upload.headers.get("location") ?? "", api)
  target.searchParams.set("digest", digest)
  const headers = { "content-type": "application/octet-stream" }
  await ok(fetch(target, { method: "PUT", headers, body: text }))
  const body = JSON.stringify({
    ...manifest,
    config: { ...manifest.config, digest, size: Buffer.byteLength(text) },
  })
  await ok(fetch(`${api}/manifests/${tag}`, { method: "PUT", headers: { "content-type": accept }, body }))
}

interface Manifest {
  readonly config: { readonly digest: string }
}

interface Config {
  readonly config?: Readonly<Record<string, unknown>>
}

async function json<T>(request: Promise<Response>): Promise<T> {
  return (await (await ok(request)).json()) as T
}

async function ok(request: Promise<Response>): Promise<Response> {
  const answer = await request
  if (!answer.ok) throw new Error(`${answer.url}: ${answer.status} ${await answer.text()}`)
  return answer
}
