import { createHash } from "node:crypto"
import type { ImageManifest } from "../manifest/manifestData.js"

/** Name of the program in the documents that it writes. */
export const toolName = "jupyter-stack"

/**
 * A UUID that is the same for the same manifest, so that a bill of materials of the same image is the same to the byte.
 * RFC 9562, section 5.8 (version 8: of the writer's own making).
 */
export function documentId(manifest: ImageManifest): string {
  const bytes = createHash("sha256").update(JSON.stringify(manifest)).digest().subarray(0, 16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = bytes.toString("hex")
  return [
    [0, 8],
    [8, 12],
    [12, 16],
    [16, 20],
    [20, 32],
  ]
    .map(([from, to]) => hex.slice(from, to))
    .join("-")
}

/** A time as both formats want it: whole seconds, UTC. */
export function documentTime(iso: string): string {
  return `${new Date(iso).toISOString().slice(0, 19)}Z`
}
