import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { InputError } from "../../../dagger/lib/problems.js"
import { readSource } from "../../../dagger/lib/source/readSource.js"
import { sourceOf } from "../../support/source.js"

let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "source-"))
})

afterEach(async () => {
  await rm(root, { recursive: true })
})

async function write(path: string, content: string | Uint8Array = path, mode = 0o644): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true })
  await writeFile(join(root, path), content)
  await chmod(join(root, path), mode)
}

const paths = async () => [...(await readSource(root)).files.keys()]

test("reads what sourceOf builds", async () => {
  await write("spec.yml", "images: {}\n")
  await write("images/base/start.sh", "#!/bin/sh\n", 0o755)
  await symlink("start.sh", join(root, "images/base/link"))
  const built = sourceOf(
    {
      "spec.yml": "images: {}\n",
      "images/base/start.sh": "#!/bin/sh\n",
      "images/base/link": { symlink: "start.sh" },
    },
    { modes: { "images/base/start.sh": 0o755 } },
  )
  const read = await readSource(root)
  expect([...read.files]).toEqual([...built.files])
  expect(read.text("spec.yml")).toBe("images: {}\n")
  expect(read.text("images/base/link")).toBeUndefined()
  expect(read.text("missing")).toBeUndefined()
})

test("the umask of whoever checked out does not matter", async () => {
  await write("a", "a", 0o600)
  await write("b", "b", 0o664)
  await write("c", "c", 0o775)
  await write("d", "d", 0o700)
  const modes = [...(await readSource(root)).files.values()].map((file) => file.mode)
  expect(modes).toEqual([0o644, 0o644, 0o755, 0o755])
})

test("sorted by code unit, not by folder or locale", async () => {
  for (const path of ["b/1", "b.txt", "b-1", "é", "Z", "a b", "b/0"]) await write(path)
  expect(await paths()).toEqual(["Z", "a b", "b-1", "b.txt", "b/0", "b/1", "é"])
})

test("leaves out .git as folder and as file, and node_modules outside of build contexts", async () => {
  await write(".git/HEAD")
  await write("sub/.git", "gitdir: elsewhere")
  await write("node_modules/x/index.js")
  await write("dagger/node_modules/x/index.js")
  await write("images/base/node_modules/x/index.js")
  await write(".gitignore")
  expect(await paths()).toEqual([".gitignore", "images/base/node_modules/x/index.js"])
})

test("symlinks are not followed, pipes are left out", async () => {
  await symlink("..", join(root, "up"))
  await symlink("nowhere", join(root, "dangling"))
  execFileSync("mkfifo", [join(root, "pipe")])
  const { files } = await readSource(root)
  expect([...files.keys()]).toEqual(["dangling", "up"])
  expect(files.get("up")).toEqual({
    path: "up",
    kind: "symlink",
    mode: 0o777,
    size: 2,
    sha256: createHash("sha256").update("..").digest("hex"),
    target: "..",
  })
})

test("a file over 1 MiB has a hash and no text; a byte order mark is no text", async () => {
  const large = Buffer.alloc(3 * 1024 * 1024 + 1, "x")
  await write("large", large)
  await write("marked", "\uFEFFroot: base")
  const tree = await readSource(root)
  expect(tree.files.get("large")?.sha256).toBe(createHash("sha256").update(large).digest("hex"))
  expect(tree.text("large")).toBeUndefined()
  expect(tree.text("marked")).toBe("root: base")
})

test("a folder that is not there is an input error", async () => {
  const missing = join(root, "missing")
  await expect(readSource(missing)).rejects.toThrow(InputError)
  await expect(readSource(missing)).rejects.toThrow(`${missing}:1:1: cannot be read: ENOENT`)
})

test("thousands of files in a few seconds", { timeout: 30_000 }, async () => {
  await Promise.all(Array.from({ length: 30 }, (_, index) => mkdir(join(root, `d${index}`))))
  for (let file = 0; file < 3000; file += 1)
    await writeFile(join(root, `d${file % 30}/f${file}`), String(file))
  const start = performance.now()
  expect((await readSource(root)).files.size).toBe(3000)
  expect(performance.now() - start).toBeLessThan(10_000)
})

test("names and texts that are not UTF-8 keep every byte", async () => {
  await write("images/a/x")
  for (const byte of [0xfe, 0xff]) {
    await writeFile(Buffer.concat([Buffer.from(join(root, "images/a/name-")), Buffer.from([byte])]), "x")
    await write(`images/a/text-${byte}`, Buffer.concat([Buffer.from("RUN "), Buffer.from([byte])]))
  }
  const read = await readSource(root)
  expect([...read.files.keys()].filter((path) => path.includes("name"))).toEqual([
    "images/a/name-\udcfe",
    "images/a/name-\udcff",
  ])
  expect(read.text("images/a/text-254")).toBe("RUN \udcfe")
  expect(read.text("images/a/text-255")).toBe("RUN \udcff")
})
