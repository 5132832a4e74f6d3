import { execFileSync } from "node:child_process"
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import type { BorderAnswer, BorderOrders } from "../../../dagger/tools/border.js"
import { takeAcross } from "../../../dagger/tools/border.js"

let from = ""
let to = ""

beforeEach(() => {
  from = mkdtempSync(join(tmpdir(), "border-from-"))
  to = mkdtempSync(join(tmpdir(), "border-to-"))
})

afterEach(() => {
  for (const folder of [from, to]) rmSync(folder, { recursive: true, force: true })
})

function write(path: string, text: string | Buffer): string {
  mkdirSync(dirname(join(from, path)), { recursive: true })
  writeFileSync(join(from, path), text)
  return join(from, path)
}

function take(orders: Partial<BorderOrders>): BorderAnswer {
  const usual = {
    texts: [],
    mostFiles: 50,
    mostBytes: 1000,
    mostBytesTogether: 5000,
    seconds: 20,
    empty: false,
  }
  return takeAcross(from, to, { ...usual, ...orders })
}

function text(name: string): string {
  return readFileSync(join(to, "texts", name), "utf8")
}

/** Why something was left out, by its path. */
function reasons({ left }: BorderAnswer): Readonly<Record<string, string>> {
  return Object.fromEntries(left.map(({ path, why }) => [path, why]))
}

test("a folder beside it is counted, whose answer has a word of its own", () => {
  write("image/file", "x".repeat(40_000))
  const count = { folder: join(from, "image"), seconds: 20 }
  const [first, second] = [take({ count }), take({ count })]
  expect(first.kilobytes).toBeGreaterThanOrEqual(40)
  expect([typeof first.mark, first.mark === second.mark]).toEqual(["string", false])
  const missing = take({ count: { ...count, folder: "/nowhere" } })
  expect([missing.kilobytes, typeof missing.mark]).toEqual([undefined, "string"])
  expect(take({})).not.toHaveProperty("mark")
})

describe("texts", () => {
  const log = { name: "log", bytes: 100, whole: false }

  test("are taken as they are, and one that is not there is none", () => {
    write("log", "all of it\n")
    expect(take({ texts: [log, { ...log, name: "other" }] })).toMatchObject({ texts: ["log"], left: [] })
    expect(text("log")).toBe("all of it\n")
  })

  test("are valid Unicode at the other side", () => {
    write("log", Buffer.from([0x61, 0xff, 0xc3, 0xed, 0xa0, 0x80, 0x62]))
    take({ texts: [log] })
    expect(text("log")).toMatch(/^a\uFFFD+b$/u)
  })

  test("lose their middle where they are long, which is told", () => {
    write("log", `start${"x".repeat(1000)}end`)
    expect(reasons(take({ texts: [log] }))).toEqual({ log: "908 bytes in the middle" })
    expect(text("log")).toMatch(/^startx+\n\[\.\.\. 908 bytes are left out \.\.\.\]\nx+end$/)
  })

  test("are left out where a part is worth nothing", () => {
    write("log", "x".repeat(101))
    expect(take({ texts: [{ ...log, whole: true }] })).toMatchObject({
      texts: [],
      left: [{ path: "log", why: "101 bytes are too many, 100 are taken" }],
    })
  })

  test("a sparse giant costs what is taken of it", () => {
    truncateSync(write("log", "start"), 2 ** 40)
    take({ texts: [log] })
    expect(text("log")).toContain("bytes are left out")
  })

  test.each<[string, (path: string) => void, string]>([
    [
      "a link",
      (path) => {
        symlinkSync("/etc/passwd", path)
      },
      "it is a link",
    ],
    [
      "a link to endless zeros",
      (path) => {
        symlinkSync("/dev/zero", path)
      },
      "it is a link",
    ],
    [
      "a FIFO that nobody writes to",
      (path) => {
        execFileSync("mkfifo", [path])
      },
      "it is a FIFO",
    ],
    [
      "a folder",
      (path) => {
        mkdirSync(path)
      },
      "it is a folder",
    ],
    [
      "a device",
      (path) => {
        execFileSync("mknod", [path, "c", "1", "5"])
      },
      "it is a device",
    ],
  ])("%s is none", (_, make, why) => {
    make(join(from, "log"))
    expect(take({ texts: [log] })).toEqual({
      texts: [],
      files: 0,
      left: [{ path: "log", why }],
      leftInAll: 1,
    })
  })
})

describe("files", () => {
  function names(): readonly string[] {
    return (readdirSync(join(to, "files"), { recursive: true }) as string[]).toSorted()
  }

  test("are taken, however deep; empty folders are not", () => {
    write("files/a.png", "a")
    write("files/deep/er/b.png", "b")
    mkdirSync(join(from, "files/empty"))
    expect(take({ files: "files" })).toMatchObject({ files: 2, left: [] })
    expect(names()).toEqual(["a.png", "deep", "deep/er", "deep/er/b.png"])
  })

  test("links, FIFOs and sockets are left out, and so is what is behind a link", async () => {
    write("files/good.png", "good")
    symlinkSync("/etc/shadow", join(from, "files/shadow"))
    symlinkSync("/etc", join(from, "files/etc"))
    symlinkSync("nowhere", join(from, "files/dangling"))
    execFileSync("mkfifo", [join(from, "files/fifo")])
    const server = createServer().listen(join(from, "files/socket"))
    await new Promise((listening) => server.once("listening", listening))
    const answer = take({ files: "files" })
    server.close()
    expect(names()).toEqual(["good.png"])
    expect(reasons(answer)).toEqual({
      "files/shadow": "it is a link",
      "files/etc": "it is a link",
      "files/dangling": "it is a link",
      "files/fifo": "it is a FIFO",
      "files/socket": "it is a socket",
    })
  })

  test("the folder itself may be anything, too", () => {
    symlinkSync("/etc", join(from, "files"))
    expect(reasons(take({ files: "files" }))).toEqual({ files: "it is a link" })
    expect(readdirSync(to)).toEqual(["texts"])
  })

  test("large ones are left out, one by one and together", () => {
    truncateSync(write("files/giant", ""), 2 ** 40)
    for (let number = 0; number < 6; number += 1) write(`files/${number}`, "x".repeat(900))
    const answer = take({ files: "files" })
    expect(answer.files).toBe(5)
    expect(Object.values(reasons(answer)).toSorted()).toEqual([
      "1099511627776 bytes are too many, 1000 are taken",
      "only 5000 bytes together are taken",
    ])
  })

  test("of thousands some are taken, and not all are looked at", () => {
    for (let number = 0; number < 3000; number += 1) write(`files/${number}`, "")
    const answer = take({ files: "files" })
    expect(answer.files).toBe(50)
    expect(answer.leftInAll).toBeLessThan(200)
    expect(answer.left.length).toBeLessThan(10)
    expect(answer.left[0]?.why).toBe("only 50 files are taken")
  })

  test("folders without an end end", () => {
    write(`files/${"d/".repeat(40)}file`, "")
    expect(take({ files: "files" })).toMatchObject({ files: 0, leftInAll: 1 })
  })

  test("names are such that every upload takes them", () => {
    write("files/test_a.py::test[x?].png", "1")
    write("files/line\nbreak", "2")
    mkdirSync(join(from, "files"), { recursive: true })
    writeFileSync(Buffer.concat([Buffer.from(join(from, "files/")), Buffer.from([0x62, 0xff])]), "3")
    const answer = take({ files: "files" })
    expect(names()).toEqual(["line_break", "test_a.py__test[x_].png"])
    expect(reasons(answer)).toEqual({
      "files/test_a.py__test[x_].png": "taken as test_a.py__test[x_].png",
      "files/line_break": "taken as line_break",
      "files/b_": "it cannot be read",
    })
  })

  test("that would be written to one name are not mixed", () => {
    write("files/a?b", "1")
    write("files/a*b", "2")
    expect(take({ files: "files" })).toMatchObject({ files: 1, leftInAll: 2 })
    expect(names()).toEqual(["a_b"])
  })
})

test("the folder is emptied where that is asked for, and nothing behind its links", () => {
  const kept = write("../kept-by-border-test", "kept")
  symlinkSync(kept, join(from, "link"))
  write("deep/er", "x")
  take({ empty: true })
  expect(readdirSync(from)).toEqual([])
  expect(readFileSync(kept, "utf8")).toBe("kept")
  rmSync(kept)
})
