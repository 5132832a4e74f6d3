// Makes and pushes OCI images from tar files, byte for byte the same each time.
//   node oci.mjs pack CONTENT CONFIG.json [--gzip] [--architecture=arm64] LAYER.tar...
//                                                                 stores the image, prints its manifest's digest
//   node oci.mjs push CONTENT DIGEST http://HOST:PORT REPOSITORY TAG
//   node oci.mjs push-index CONTENT http://HOST:PORT REPOSITORY TAG DIGEST...
//                                                                 the same for several platforms, under one index
//   node oci.mjs push-file FILE http://HOST:PORT REPOSITORY       stores any file as a blob, prints its address
//   node oci.mjs prune CONTENT DIGEST...                          removes every blob these images do not need, and what
//                                                                 an interrupted call has left
// CONTENT is a content store as containerd and the engine read it: CONTENT/blobs/sha256/<hex>.
import { createHash } from "node:crypto"
import { createReadStream, createWriteStream } from "node:fs"
import { link, mkdir, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises"
import { pipeline } from "node:stream/promises"
import { createGzip } from "node:zlib"

const indexType = "application/vnd.oci.image.index.v1+json"
const manifestType = "application/vnd.oci.image.manifest.v1+json"
const configType = "application/vnd.oci.image.config.v1+json"
const layerType = "application/vnd.oci.image.layer.v1.tar"

/** @param {string} file @returns {Promise<string>} */
async function digestOf(file) {
  const hash = createHash("sha256")
  await pipeline(createReadStream(file), hash)
  return `sha256:${hash.digest("hex")}`
}

/** @param {string} content @param {string} digest */
const blobPath = (content, digest) => `${content}/blobs/${digest.replace(":", "/")}`

/** Moves a finished file into the store; the rename makes an interruption harmless.
 * @param {string} content @param {string} file @param {string} mediaType */
async function storeFile(content, file, mediaType) {
  const digest = await digestOf(file)
  const { size } = await stat(file)
  await rename(file, blobPath(content, digest))
  // Two names of one file, as hard links are: then a rename does nothing.
  await rm(file, { force: true })
  return { mediaType, digest, size }
}

/** @param {string} content @param {unknown} document @param {string} mediaType */
async function storeJson(content, document, mediaType) {
  const part = `${content}/document.${process.pid}.part`
  await writeFile(part, JSON.stringify(document))
  return storeFile(content, part, mediaType)
}

/** @param {string} content @param {string} tar @param {boolean} compressed */
async function storeLayer(content, tar, compressed) {
  const part = `${content}/layer.${process.pid}.part`
  if (compressed) await pipeline(createReadStream(tar), createGzip(), createWriteStream(part))
  else await link(tar, part)
  return storeFile(content, part, compressed ? `${layerType}+gzip` : layerType)
}

/** @param {string} content @param {string} configFile @param {string[]} rest */
async function pack(content, configFile, ...rest) {
  const compressed = rest.includes("--gzip")
  const tars = rest.filter((argument) => !argument.startsWith("--"))
  const given = rest.find((argument) => argument.startsWith("--architecture="))
  await mkdir(`${content}/blobs/sha256`, { recursive: true })
  const layers = []
  for (const tar of tars) layers.push(await storeLayer(content, tar, compressed))
  const config = await storeJson(
    content,
    {
      architecture: given === undefined ? "amd64" : given.replace("--architecture=", ""),
      os: "linux",
      config: JSON.parse(await readFile(configFile, "utf8")),
      rootfs: { type: "layers", diff_ids: await Promise.all(tars.map(digestOf)) },
    },
    configType,
  )
  const manifest = await storeJson(
    content,
    { schemaVersion: 2, mediaType: manifestType, config, layers },
    manifestType,
  )
  console.log(manifest.digest)
}

/** @param {string} content @param {string} digest */
const readManifest = async (content, digest) => JSON.parse(await readFile(blobPath(content, digest), "utf8"))

/** fetch with the login of OCI_LOGIN (user:password), where there is one: not as an argument, which others can read.
 * @param {string} url @param {RequestInit} options */
function authorized(url, options) {
  const { OCI_LOGIN: login } = process.env
  if (login === undefined) return fetch(url, options)
  const authorization = `Basic ${Buffer.from(login).toString("base64")}`
  return fetch(url, { ...options, headers: { ...options.headers, authorization } })
}

/** @param {string} url @param {RequestInit} options @param {number} expected */
async function request(url, options, expected) {
  const response = await authorized(url, options)
  if (response.status === expected) return response
  throw new Error(`${options.method} ${url}: ${response.status} ${await response.text()}`)
}

/** @param {string} repository @param {string} file @param {string} digest */
async function pushBlob(repository, file, digest) {
  const known = await authorized(`${repository}/blobs/${digest}`, { method: "HEAD" })
  if (known.ok) return
  const started = await request(`${repository}/blobs/uploads/`, { method: "POST" }, 202)
  const location = new URL(started.headers.get("location") ?? "", repository)
  location.searchParams.set("digest", digest)
  const { size } = await stat(file)
  const headers = { "content-length": String(size), "content-type": "application/octet-stream" }
  // @ts-expect-error: Node's fetch takes a stream as body, and wants to be told that it is sent first.
  await request(location.href, { method: "PUT", headers, body: createReadStream(file), duplex: "half" }, 201)
}

/** @param {string} content @param {string} digest @param {string} registry @param {string} name @param {string} tag */
async function push(content, digest, registry, name, tag) {
  const repository = `${registry}/v2/${name}`
  const headers = { "content-type": manifestType, accept: manifestType }
  const present = await authorized(`${repository}/manifests/${tag}`, { method: "HEAD", headers })
  if (present.headers.get("docker-content-digest") === digest) return
  await pushManifest(content, digest, repository, tag)
}

/** @param {string} content @param {string} digest @param {string} repository @param {string} tag */
async function pushManifest(content, digest, repository, tag) {
  const manifest = await readManifest(content, digest)
  for (const blob of [...manifest.layers, manifest.config]) {
    await pushBlob(repository, blobPath(content, blob.digest), blob.digest)
  }
  const body = await readFile(blobPath(content, digest))
  const headers = { "content-type": manifestType }
  await request(`${repository}/manifests/${tag}`, { method: "PUT", headers, body }, 201)
}

/** @param {string} content @param {string} registry @param {string} name @param {string} tag @param {string[]} digests */
async function pushIndex(content, registry, name, tag, ...digests) {
  const repository = `${registry}/v2/${name}`
  const manifests = []
  for (const digest of digests) {
    await pushManifest(content, digest, repository, digest)
    const { config } = await readManifest(content, digest)
    const { architecture, os } = await readManifest(content, config.digest)
    const { size } = await stat(blobPath(content, digest))
    manifests.push({ mediaType: manifestType, digest, size, platform: { architecture, os } })
  }
  const body = JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests })
  const headers = { "content-type": indexType }
  await request(`${repository}/manifests/${tag}`, { method: "PUT", headers, body }, 201)
}

/** A registry serves a blob's bytes to whoever asks: the file needs no other server.
 * @param {string} file @param {string} registry @param {string} name */
async function pushFile(file, registry, name) {
  const digest = await digestOf(file)
  await pushBlob(`${registry}/v2/${name}`, file, digest)
  console.log(`/v2/${name}/blobs/${digest}`)
}

/** @param {string} content @param {string[]} digests */
async function prune(content, ...digests) {
  const kept = new Set(digests)
  for (const digest of digests) {
    const manifest = await readManifest(content, digest)
    for (const blob of [...manifest.layers, manifest.config]) kept.add(blob.digest)
  }
  for (const hex of await readdir(`${content}/blobs/sha256`)) {
    if (!kept.has(`sha256:${hex}`)) await rm(`${content}/blobs/sha256/${hex}`)
  }
  for (const name of await readdir(content)) if (name.endsWith(".part")) await rm(`${content}/${name}`)
}

const [command, ...values] = process.argv.slice(2)
const commands = /** @type {Record<string, (...values: any[]) => Promise<void>>} */ ({
  pack,
  push,
  "push-index": pushIndex,
  "push-file": pushFile,
  prune,
})
const chosen = commands[command ?? ""]
if (chosen === undefined) throw new Error(`oci.mjs: ${Object.keys(commands).join(", ")}; got ${command}`)
await chosen(...values)
