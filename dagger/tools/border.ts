/**
 * Takes what an image, a test or a server has left in a folder: texts and files, as bounded, regular files with names
 * that every system takes. Run by Node alone, in a container that is nothing but this: `node border.ts FROM TO ORDERS`.
 *
 * Nothing in FROM is trusted: a name may be a link, a FIFO, a device, a file that others are changing at this moment,
 * or one of 100,000. Files are opened without following links and without waiting, and looked at when they are open.
 */
import { execFileSync } from "node:child_process"
import { randomUUID } from "node:crypto"
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  opendirSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs"
import type { Stats } from "node:fs"
import { basename, join } from "node:path"

/** A text that is wanted, by its name in the folder. */
export interface WantedText {
  readonly name: string
  /** Bytes that are taken of it. */
  readonly bytes: number
  /** Whether a longer one is left out, because a part of it is worth nothing; else its start and its end are taken. */
  readonly whole: boolean
}

/** What to take from a folder. */
export interface BorderOrders {
  readonly texts: readonly WantedText[]
  /** Folder inside it whose files are taken, however deep. */
  readonly files?: string
  /** Files that are taken, and bytes: of one, and of all together. */
  readonly mostFiles: number
  readonly mostBytes: number
  readonly mostBytesTogether: number
  /** Seconds that it may take; what is not taken by then is left out. */
  readonly seconds: number
  /** Whether the folder is emptied afterwards. */
  readonly empty: boolean
  /** A folder whose blocks are counted, and seconds that it may take. */
  readonly count?: { readonly folder: string; readonly seconds: number }
}

/** What was not taken, or not as it was. */
export interface LeftOut {
  /** Path in the folder, with what is no printable text replaced. */
  readonly path: string
  readonly why: string
}

/** What was taken: texts lie in `texts/<name>`, files in `files/`. */
export interface BorderAnswer {
  readonly texts: readonly string[]
  readonly files: number
  /** The first of those that were left out or changed. */
  readonly left: readonly LeftOut[]
  /** How many there were in all, as far as was looked. */
  readonly leftInAll: number
  /** Kilobytes of the counted folder, on its own file system; absent where they could not be counted. */
  readonly kilobytes?: number
  /** Beside a count, a word that no other answer has: an engine that keeps this answer keeps it with the folder. */
  readonly mark?: string
}

/** Names of things that are left out, for reports; the others are only counted. */
const mostNamed = 20
/** And of those that are left out for one reason. */
const mostAlike = 5
const deepest = 16
/** Characters that actions/upload-artifact refuses in names, and with them all files of an upload. */
const awkward =
  /[\u0000-\u001f\u007f-\u009f"<>|*?:\\\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|\uFFFD/gu

/** Takes what the orders name from one folder to another, which must be empty. */
export function takeAcross(from: string, to: string, orders: BorderOrders): BorderAnswer {
  const crossing = new Crossing(from, to, orders)
  const texts = orders.texts.filter((text) => crossing.takeText(text)).map(({ name }) => name)
  if (orders.files !== undefined) crossing.takeFiles(orders.files)
  if (orders.empty) crossing.empty()
  const counted = orders.count === undefined ? {} : { mark: randomUUID(), ...kilobytesOf(orders.count) }
  const { files, left, leftInAll } = crossing
  return { texts, files, left, leftInAll, ...counted }
}

function kilobytesOf({
  folder,
  seconds,
}: NonNullable<BorderOrders["count"]>): Pick<BorderAnswer, "kilobytes"> {
  try {
    const stdio: ["ignore", "pipe", "ignore"] = ["ignore", "pipe", "ignore"]
    const counted = execFileSync("du", ["-skx", folder], { encoding: "utf8", timeout: seconds * 1000, stdio })
    const kilobytes = Number.parseInt(counted, 10)
    return Number.isNaN(kilobytes) ? {} : { kilobytes }
  } catch {
    return {}
  }
}

/** One way across the border, with what is left of the limits. */
class Crossing {
  files = 0
  leftInAll = 0
  readonly left: LeftOut[] = []
  private bytes = 0
  private looked = 0
  private readonly deadline: number

  // Fields written out: Node takes types away, and nothing else that TypeScript adds.
  private readonly from: string
  private readonly to: string
  private readonly orders: BorderOrders

  constructor(from: string, to: string, orders: BorderOrders) {
    this.from = from
    this.to = to
    this.orders = orders
    this.deadline = Date.now() + orders.seconds * 1000
    mkdirSync(join(to, "texts"), { recursive: true })
  }

  /** Whether there was such a text; it is valid UTF-8 at the other side. */
  takeText({ name, bytes, whole }: WantedText): boolean {
    const file = this.open(join(this.from, name), name)
    if (file === undefined) return false
    try {
      const { size } = fstatSync(file)
      if (size > bytes && whole) return this.leave(name, `${size} bytes are too many, ${bytes} are taken`)
      const text = size > bytes ? this.ends(file, name, size, bytes) : read(file, 0, bytes).toString("utf8")
      writeFileSync(join(this.to, "texts", name), text)
      return true
    } catch (error) {
      return this.leave(name, messageOf(error))
    } finally {
      closeSync(file)
    }
  }

  takeFiles(folder: string): void {
    const path = join(this.from, folder)
    const stats = look(path)
    if (stats === undefined) return
    if (!stats.isDirectory()) this.leave(folder, kindOf(stats))
    else this.takeFolder(path, join(this.to, "files"), folder, 1)
  }

  /** Removes what is in the folder, so that a volume that nobody uses again holds nothing. */
  empty(): void {
    const folder = opendirSync(this.from)
    for (let entry = folder.readSync(); entry !== null; entry = folder.readSync())
      rmSync(join(this.from, entry.name), { recursive: true, force: true })
    folder.closeSync()
  }

  private takeFolder(path: string, to: string, shown: string, depth: number): void {
    const folder = opendirSync(path)
    const folders: (() => void)[] = []
    const place = { to, shown, depth, taken: new Set<string>(), folders }
    for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) {
      this.looked += 1
      if (this.isOver()) {
        this.leave(`${shown}/`, "there is more in it than is looked at")
        break
      }
      this.takeEntry(join(path, entry.name), place)
    }
    folder.closeSync()
    // Afterwards, so that a folder with many files takes the room of none beside it.
    for (const takeIt of folders) takeIt()
  }

  private takeEntry(path: string, place: Place): void {
    const name = basename(path)
    const shown = `${place.shown}/${name}`
    const stats = look(path)
    if (stats === undefined) {
      this.leave(shown, "it cannot be read")
      return
    }
    const safe = name.replaceAll(awkward, "_")
    if (place.taken.has(safe)) {
      this.leave(shown, "its name is that of another one but for characters that are not allowed")
      return
    }
    if (safe !== name) this.leave(shown, `taken as ${safe}`)
    place.taken.add(safe)
    const to = join(place.to, safe)
    if (!stats.isDirectory()) this.takeFile(path, to, shown)
    else if (place.depth >= deepest) this.leave(shown, "folders are too deep")
    else
      place.folders.push(() => {
        this.takeFolder(path, to, shown, place.depth + 1)
      })
  }

  private takeFile(path: string, to: string, shown: string): void {
    if (this.files >= this.orders.mostFiles) {
      this.leave(shown, `only ${this.orders.mostFiles} files are taken`)
      return
    }
    const file = this.open(path, shown)
    if (file === undefined) return
    try {
      const { size } = fstatSync(file)
      const { mostBytes, mostBytesTogether } = this.orders
      if (size > mostBytes) this.leave(shown, `${size} bytes are too many, ${mostBytes} are taken`)
      else if (this.bytes + size > mostBytesTogether)
        this.leave(shown, `only ${mostBytesTogether} bytes together are taken`)
      else this.copy(file, to, size)
    } catch (error) {
      this.leave(shown, messageOf(error))
    } finally {
      closeSync(file)
    }
  }

  private copy(file: number, to: string, size: number): void {
    mkdirSync(join(to, ".."), { recursive: true })
    const copy = openSync(to, "wx", 0o644)
    try {
      for (let at = 0; at < size; at += piece) writeSync(copy, read(file, at, Math.min(piece, size - at)))
    } finally {
      closeSync(copy)
    }
    this.files += 1
    this.bytes += size
  }

  /** A descriptor of a regular file; what else stands there is left out. */
  private open(path: string, shown: string): number | undefined {
    try {
      const stats = lstatSync(path)
      if (!stats.isFile()) {
        this.leave(shown, kindOf(stats))
        return undefined
      }
      const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
      if (fstatSync(file).isFile()) return file
      closeSync(file)
      this.leave(shown, "it was replaced meanwhile")
    } catch (error) {
      if (!isMissing(error)) this.leave(shown, messageOf(error))
    }
    return undefined
  }

  /** The start and the end of a text that is too long, with what is left out between them. */
  private ends(file: number, shown: string, size: number, bytes: number): string {
    const half = Math.floor(bytes / 2)
    const left = size - 2 * half
    this.leave(shown, `${left} bytes in the middle`)
    const [start, end] = [read(file, 0, half), read(file, size - half, half)]
    return `${start.toString("utf8")}\n[... ${left} bytes are left out ...]\n${end.toString("utf8")}`
  }

  private isOver(): boolean {
    // Links and the like count too: looking at 100,000 of them is work.
    return this.looked > 4 * this.orders.mostFiles || Date.now() > this.deadline
  }

  private leave(path: string, why: string): false {
    this.leftInAll += 1
    const alike = this.left.filter((other) => other.why === why).length
    if (alike < mostAlike && this.left.length < mostNamed)
      this.left.push({ path: path.replaceAll(awkward, "_"), why })
    return false
  }
}

/** Where an entry of a folder is taken to. */
interface Place {
  readonly to: string
  readonly shown: string
  readonly depth: number
  /** Names in the folder that are taken already. */
  readonly taken: Set<string>
  /** Folders in it, which are taken when it is through. */
  readonly folders: (() => void)[]
}

const piece = 1 << 20

/** At most so many bytes from a place in a file; fewer where it ends, or was cut meanwhile. */
function read(file: number, from: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes)
  let filled = 0
  while (filled < bytes) {
    const got = readSync(file, buffer, filled, bytes - filled, from + filled)
    if (got === 0) break
    filled += got
  }
  return buffer.subarray(0, filled)
}

function look(path: string): Stats | undefined {
  try {
    return lstatSync(path)
  } catch {
    return undefined
  }
}

function kindOf(stats: Stats): string {
  if (stats.isSymbolicLink()) return "it is a link"
  if (stats.isFIFO()) return "it is a FIFO"
  if (stats.isSocket()) return "it is a socket"
  if (stats.isDirectory()) return "it is a folder"
  if (stats.isFile()) return "it is a file"
  return "it is a device"
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT"
}

function messageOf(error: unknown): string {
  return error instanceof Error ? (error.message.split(",", 1)[0] ?? "") : String(error)
}

const [program, from, to, orders] = process.argv.slice(1)
if (
  basename(program ?? "") === "border.ts" &&
  from !== undefined &&
  to !== undefined &&
  orders !== undefined
) {
  const answer = takeAcross(from, to, JSON.parse(orders) as BorderOrders)
  writeFileSync(join(to, "answer.json"), JSON.stringify(answer))
}
