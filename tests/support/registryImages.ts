import { execFile } from "node:child_process"
import { createHash, randomBytes } from "node:crypto"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { gzipSync } from "node:zlib"
import type { TestRegistry } from "./registry.js"

/** An image that a test pushes; everything left out gets a small default. */
export interface TestImage {
  /** Content of one file per layer, or the number of random bytes in it. */
  readonly layers?: readonly (string | number | Buffer)[]
  /** Name of that file; `file` where not given. */
  readonly fileName?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  /** ISO 8601. */
  readonly created?: string
  /** `linux/amd64` */
  readonly platform?: string
}

/** Where a helper pushes: a registry with its login. */
export type PushTarget = Pick<TestRegistry, "host" | "login">

/** Media types that the helpers write. */
const ociManifest = "application/vnd.oci.image.manifest.v1+json"
const ociIndex = "application/vnd.oci.image.index.v1+json"

interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
}

/**
 * Pushes an image with skopeo from an OCI layout, byte for byte.
 * @param name `org/image:tag`
 * @returns the digest
 */
export async function pushImage(target: PushTarget, name: string, image: TestImage = {}): Promise<string> {
  return inLayout(async (layout) => push(target, name, layout, writeImage(layout, image)))
}

/** Pushes a multi-platform index of several images. @returns the index's digest */
export async function pushIndex(
  target: PushTarget,
  name: string,
  images: readonly TestImage[],
): Promise<string> {
  return inLayout(async (layout) => {
    const manifests = images.map((image) => {
      const [os, architecture, variant] = (image.platform ?? "linux/amd64").split("/")
      return { ...writeImage(layout, image), platform: { os, architecture, variant } }
    })
    return push(target, name, layout, writeJson(layout, ociIndex, { mediaType: ociIndex, manifests }))
  })
}

/** What skopeo says of an image's digest: the raw manifest's hash. */
export async function skopeoDigest(target: PushTarget, name: string): Promise<string> {
  return digestOf(
    await skopeo(["inspect", "--raw", ...options(target, ""), `docker://${target.host}/${name}`]),
  )
}

/** Copies an image with skopeo, all platforms, as a public tool does it. */
export async function skopeoCopy(target: PushTarget, from: string, to: string): Promise<void> {
  const both = [...options(target, "src-"), ...options(target, "dest-")]
  const [source, destination] = [from, to].map((name) => `docker://${target.host}/${name}`)
  await skopeo(["copy", "--all", ...both, source ?? "", destination ?? ""])
}

async function inLayout(write: (layout: string) => Promise<string>): Promise<string> {
  const layout = mkdtempSync(join(tmpdir(), "layout-"))
  mkdirSync(join(layout, "blobs/sha256"), { recursive: true })
  try {
    return await write(layout)
  } finally {
    rmSync(layout, { recursive: true, force: true })
  }
}

async function push(target: PushTarget, name: string, layout: string, root: Descriptor): Promise<string> {
  writeFileSync(join(layout, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }))
  const named = { ...root, annotations: { "org.opencontainers.image.ref.name": "it" } }
  writeFileSync(join(layout, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [named] }))
  const digestFile = join(layout, "digest")
  const flags = ["--all", "--preserve-digests", `--digestfile=${digestFile}`, ...options(target, "dest-")]
  await skopeo(["copy", ...flags, `oci:${layout}:it`, `docker://${target.host}/${name}`])
  return readFileSync(digestFile, "utf8").trim()
}

async function skopeo(args: readonly string[]): Promise<string> {
  const settings = { maxBuffer: 1 << 26 }
  return (await promisify(execFile)("skopeo", ["--insecure-policy", ...args], settings)).stdout
}

function options({ login }: PushTarget, side: "" | "src-" | "dest-"): string[] {
  const creds = login === undefined ? [] : [`--${side}creds=${login.username}:${login.password}`]
  return [`--${side}tls-verify=false`, ...creds]
}

function writeImage(layout: string, image: TestImage): Descriptor {
  const created = image.created ?? "2026-10-01T08:00:00Z"
  const [os, architecture] = (image.platform ?? "linux/amd64").split("/")
  const layers = (image.layers ?? ["hello"]).map((content) => writeLayer(layout, content, image.fileName))
  const config = {
    created,
    os,
    architecture,
    config: { Labels: image.labels ?? {} },
    rootfs: { type: "layers", diff_ids: layers.map(({ unpacked }) => unpacked) },
    history: layers.flatMap((_, index) => [
      { created, created_by: `ENV STEP=${index}`, empty_layer: true },
      { created, created_by: `COPY file${index} /` },
    ]),
  }
  return writeJson(layout, ociManifest, {
    mediaType: ociManifest,
    config: writeJson(layout, "application/vnd.oci.image.config.v1+json", config),
    layers: layers.map(({ layer }) => layer),
    ...(image.annotations !== undefined && { annotations: image.annotations }),
  })
}

function writeLayer(
  layout: string,
  content: string | number | Buffer,
  fileName = "file",
): { layer: Descriptor; unpacked: string } {
  const bytes = typeof content === "number" ? randomBytes(content) : Buffer.from(content)
  const tar = tarOf(fileName, bytes)
  // Random bytes cannot be compressed: no time is spent on trying.
  const packed = gzipSync(tar, { level: typeof content === "number" ? 0 : 6 })
  const mediaType = "application/vnd.oci.image.layer.v1.tar+gzip"
  return { layer: writeBlob(layout, mediaType, packed), unpacked: digestOf(tar) }
}

function writeJson(layout: string, mediaType: string, document: object): Descriptor {
  return writeBlob(layout, mediaType, Buffer.from(JSON.stringify({ schemaVersion: 2, ...document })))
}

function writeBlob(layout: string, mediaType: string, bytes: Buffer): Descriptor {
  const digest = digestOf(bytes)
  writeFileSync(join(layout, "blobs", digest.replace(":", "/")), bytes)
  return { mediaType, digest, size: bytes.length }
}

function digestOf(bytes: Buffer | string): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`
}

/** A tar archive with one file (POSIX.1-1988 "ustar"). */
function tarOf(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(512)
  const octal = (value: number, width: number) => `${value.toString(8).padStart(width - 1, "0")}\0`
  header.write(name, 0)
  header.write(octal(0o644, 8) + octal(0, 8) + octal(0, 8) + octal(content.length, 12) + octal(0, 12), 100)
  header.write("        0", 148)
  header.write("ustar\x0000", 257)
  const checksum = header.reduce((sum, byte) => sum + byte, 0)
  header.write(`${checksum.toString(8).padStart(6, "0")}\0 `, 148)
  const padding = Buffer.alloc((512 - (content.length % 512)) % 512)
  return Buffer.concat([header, content, padding, Buffer.alloc(1024)])
}
