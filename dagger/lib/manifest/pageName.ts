import { createHash } from "node:crypto"
import type { ImageReference } from "../reference/reference.js"

/** Longest page name in bytes: file systems end at 255, with room for an extension. */
const longestName = 200

/**
 * Name of an image's manifest page, without `.md`: `ghcr-io-<org>-<image>-<tag>`, as the old pipeline named them, so
 * that existing wikis are continued: "/" and ":" become "-", and of all registries' dots only those of ghcr.io.
 * Docker Hub's images go without a host, as they were written there.
 */
export function pageName({ registry, path, tag, digest }: ImageReference): string {
  const host = registry === "docker.io" ? "" : `${registry.replace("ghcr.io", "ghcr-io")}-`
  const version = tag ?? digest?.replace(/^(sha256:.{12}).*/, "$1") ?? "latest"
  const repository = registry === "docker.io" ? path.replace(/^library\//, "") : path
  // What a wiki or a file system cannot have in a name: \ / : * ? " < > | and brackets of an IPv6 host.
  const name = `${host}${repository}-${version}`.replaceAll(/[^A-Za-z0-9._-]/g, "-").replace(/^[._-]+/, "")
  if (name.length <= longestName) return name
  const hash = createHash("sha256").update(`${registry}/${path}:${version}`).digest("hex").slice(0, 12)
  return `${name.slice(0, longestName - hash.length - 1)}-${hash}`
}
