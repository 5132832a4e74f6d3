import { existsSync } from "node:fs"
import { chmod, mkdir, symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { checkout, run } from "./stack.js"

const busybox = ["/bin/busybox", "/usr/bin/busybox"].find((path) => existsSync(path))

/** Whether this machine can stand for one with plain tools. */
export const hasPlainTools = busybox !== undefined && existsSync("/bin/dash")

/** What is not in POSIX, so that a Mac may lack it. */
const notEverywhere = ["timeout", "setpriv", "realpath", "sha256sum", "pgrep", "sh", "ash"]

/**
 * A folder for PATH in which every tool is busybox's, with a Docker that works and a given `dagger`; and `.stack` beside
 * it, a link to `./stack`.
 * @param dagger text of the program
 */
export async function plainTools(folder: string, dagger: string): Promise<string> {
  const bin = join(folder, ".bin")
  await mkdir(bin)
  const applets = (await run(busybox ?? "", ["--list"], { cwd: folder })).stdout.trim().split("\n")
  const there = applets.filter((name) => !notEverywhere.includes(name))
  await Promise.all(there.map((name) => symlink(busybox ?? "", join(bin, name))))
  await symlink("/bin/dash", join(bin, "sh"))
  // Of POSIX, and not in Debian's busybox.
  if (!there.includes("cksum")) await symlink("/usr/bin/cksum", join(bin, "cksum"))
  await program(join(bin, "dagger"), dagger)
  await program(join(bin, "docker"), "#!/bin/sh\ntest $1 = info\n")
  await symlink(join(checkout, "stack"), join(folder, ".stack"))
  return bin
}

/** Writes a program. */
export async function program(path: string, text: string): Promise<void> {
  await writeFile(path, text)
  await chmod(path, 0o755)
}
