import { createHash } from "node:crypto"
import { textOfBytes } from "../text/bytes.js"

/** Bytes of an entry before its name (gitformat-index(5)): ten numbers, a SHA-1 and the flags. */
const entryBytes = 62
const flagsAt = 60
const signature = 0x44_49_52_43
/** At its end: the SHA-1 of all before. */
const checksumBytes = 20
/** Entries are filled up with NULs to a multiple of this. */
const alignment = 8

/**
 * The paths that git tracks, as its index has them.
 * @param index the bytes of `.git/index`
 * @returns undefined where this is none of version 2 or 3 with a SHA-1: only git itself can tell then. Of an index whose
 * names lie elsewhere (split, sparse) some are missing.
 */
export function trackedPaths(index: Buffer): ReadonlySet<string> | undefined {
  const isIndex = index.length >= 12 + checksumBytes && index.readUInt32BE(0) === signature
  if (!isIndex || ![2, 3].includes(index.readUInt32BE(4)) || !isWhole(index)) return undefined
  const paths = new Set<string>()
  let at = 12
  for (let left = index.readUInt32BE(8); left > 0; left--) {
    if (at + entryBytes > index.length) return undefined
    const isExtended = (index.readUInt16BE(at + flagsAt) & 0x4000) !== 0
    const start = at + entryBytes + (isExtended ? 2 : 0)
    const end = index.indexOf(0, start)
    if (end === -1) return undefined
    paths.add(textOfBytes(index.subarray(start, end)))
    at += (Math.floor((end - at) / alignment) + 1) * alignment
  }
  return paths
}

function isWhole(index: Buffer): boolean {
  const content = index.subarray(0, -checksumBytes)
  return createHash("sha1").update(content).digest().equals(index.subarray(-checksumBytes))
}
