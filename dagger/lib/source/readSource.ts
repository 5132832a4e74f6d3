import type { Problem } from "../problems.js"
import { createHash } from "node:crypto"
import { createReadStream, readFileSync } from "node:fs"
import { lstat, readdir, readFile, readlink } from "node:fs/promises"
import { join } from "node:path"
import { pipeline } from "node:stream/promises"
import type { Dirent, Stats } from "node:fs"
import { compareCodeUnits } from "../text/order.js"
import { bytesOfText, textOfBytes } from "../text/bytes.js"
import { InputError } from "../problems.js"
import { largestText, treeOf } from "./sourceTree.js"
import type { SourceFile, SourceTree } from "./sourceTree.js"

/** Files open at once: enough to keep the disk busy, far below any limit on open files. */
const concurrency = 32
/** Folder whose `node_modules` count: there they are part of a build context, elsewhere an installation. */
const contextsFolder = "images"

/**
 * Reads the identity of every file below a folder. Symlinks are entries of their own and never followed; sockets,
 * pipes and devices are left out, as a build cannot send them; `.git` is left out everywhere, and `node_modules`
 * outside of `images/`.
 * @throws InputError naming every file or folder that cannot be read
 */
export async function readSource(root: string): Promise<SourceTree> {
  const unreadable: Problem[] = []
  const files = await mapBounded(await listFiles(root, unreadable), (path) =>
    identify(root, path).catch(collectInto(unreadable, path)),
  )
  if (unreadable.length > 0) throw new InputError(unreadable)
  return treeOf(
    files.filter((file) => file !== undefined),
    (path) => decode(readFileSync(onDisk(root, path))),
  )
}

/** Text as a person sees it: without a byte order mark. */
function decode(bytes: Uint8Array): string {
  return textOfBytes(bytes).replace(/^\ufeff/, "")
}

/** A path for the file system: names are bytes there, and need not be UTF-8. */
function onDisk(root: string, path: string): Buffer {
  return Buffer.from(bytesOfText(join(root, path)))
}

async function listFiles(root: string, unreadable: Problem[]): Promise<readonly string[]> {
  const found: string[] = []
  let folders = [""]
  while (folders.length > 0) {
    const levels = await mapBounded(folders, (folder) =>
      readdir(onDisk(root, folder), { withFileTypes: true, encoding: "buffer" }).then(
        (entries) => ({ folder, entries }),
        collectInto(unreadable, folder === "" ? root : folder),
      ),
    )
    folders = []
    for (const { folder, entries } of levels.filter((level) => level !== undefined)) {
      for (const entry of entries) {
        const name = textOfBytes(entry.name)
        if (isPassedOver(folder, name)) continue
        const path = folder === "" ? name : `${folder}/${name}`
        if (entry.isDirectory()) folders.push(path)
        else if (isKept(entry)) found.push(path)
      }
    }
  }
  return found.sort(compareCodeUnits)
}

function isPassedOver(folder: string, name: string): boolean {
  if (name === ".git") return true
  return name === "node_modules" && folder.split("/")[0] !== contextsFolder
}

function isKept(entry: Dirent<Buffer>): boolean {
  return entry.isFile() || entry.isSymbolicLink()
}

async function identify(root: string, path: string): Promise<SourceFile> {
  const absolute = onDisk(root, path)
  const stats = await lstat(absolute)
  if (stats.isSymbolicLink()) {
    const target = await readlink(absolute, { encoding: "buffer" })
    const { length: size } = target
    return { path, kind: "symlink", mode: 0o777, size, sha256: hashOf(target), target: textOfBytes(target) }
  }
  const sha256 = stats.size <= largestText ? hashOf(await readFile(absolute)) : await hashStream(absolute)
  return { path, kind: "file", mode: keptMode(stats), size: stats.size, sha256 }
}

/** Git keeps only whether the owner may execute; the rest is the umask of whoever checked out. */
function keptMode(stats: Stats): number {
  return (stats.mode & 0o100) === 0 ? 0o644 : 0o755
}

function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex")
}

async function hashStream(absolute: Buffer): Promise<string> {
  const hash = createHash("sha256")
  await pipeline(createReadStream(absolute, { highWaterMark: 1 << 20 }), hash)
  return hash.digest("hex")
}

/** Turns a file system error into a problem at this path; keeps going, so that all are told at once. */
function collectInto(unreadable: Problem[], path: string): (error: unknown) => undefined {
  return (error) => {
    const reason = error instanceof Error ? error.message : String(error)
    const location = { file: path, line: 1, column: 1 }
    unreadable.push({ location, message: `cannot be read: ${reason}` })
    return undefined
  }
}

/** Maps in order with at most `concurrency` at work. */
async function mapBounded<In, Out>(
  items: readonly In[],
  work: (item: In) => Promise<Out>,
): Promise<readonly Out[]> {
  const results = new Array<Out>(items.length)
  const pending = items.entries()
  const worker = async (): Promise<void> => {
    for (const [index, item] of pending) results[index] = await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker))
  return results
}
