import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { run } from "./stack.js"

/** A published image as its registry has it. */
export interface PublishedImage {
  readonly reference: string
  /** Digests from the base upwards. */
  readonly layers: readonly string[]
  /** What of its configuration a Dockerfile decides. */
  readonly config: Readonly<Record<string, unknown>>
}

interface Manifest {
  readonly config: { readonly digest: string }
  readonly layers: readonly { readonly digest: string }[]
}

/** Reads an image's manifest and configuration. The reference has a tag, its registry speaks plain HTTP. */
export async function publishedImage(reference: string): Promise<PublishedImage> {
  const [repository, tag] = repositoryOf(reference)
  const accept = "application/vnd.oci.image.manifest.v1+json"
  const response = await fetch(`${repository}/manifests/${tag}`, { headers: { accept } })
  const { config, layers } = (await response.json()) as Manifest
  const document = (await (await fetch(`${repository}/blobs/${config.digest}`)).json()) as {
    readonly config?: Readonly<Record<string, unknown>>
  }
  return { reference, layers: layers.map(({ digest }) => digest), config: document.config ?? {} }
}

/** The files that an image's layers add up to, a line each, but for those of some layers (of a base that is large). */
export async function filesOfLayers(
  { reference, layers }: PublishedImage,
  without: readonly string[],
): Promise<readonly string[]> {
  const [repository] = repositoryOf(reference)
  const folder = mkdtempSync(join(tmpdir(), "layers-"))
  try {
    const paths = await Promise.all(
      layers
        .filter((digest) => !without.includes(digest))
        .map(async (digest, index) => {
          const path = join(folder, String(index))
          const blob = await fetch(`${repository}/blobs/${digest}`)
          writeFileSync(path, Buffer.from(await blob.arrayBuffer()))
          return path
        }),
    )
    const listed = await run("python3", [join(import.meta.dirname, "layers.py"), ...paths], { cwd: folder })
    if (listed.status !== 0) throw new Error(`${reference}: ${listed.stderr}`)
    return listed.stdout.split("\n").filter((line) => line !== "")
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function repositoryOf(reference: string): readonly [string, string] {
  const [, host = "", path = "", tag = ""] = /^([^/]+)\/(.+):([^:/]+)$/.exec(reference) ?? []
  return [`http://${host}/v2/${path}`, tag]
}
