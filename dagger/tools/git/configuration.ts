import { lstat, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"

/**
 * Gives git what it has to know of a repository that came without its `.git/config`: how ids are made, and whether the
 * file system knows executable files. Nothing is written where there is a configuration, or no repository.
 * @param directory a copy of the checkout, that nobody else uses
 */
export async function writeMissingConfiguration(directory: string): Promise<void> {
  const folder = join(directory, ".git")
  const head = await textOf(join(folder, "HEAD"))
  if (head === undefined || (await modeOf(join(folder, "config"))) !== undefined) return
  const format = (await idOf(folder, head))?.length === 64 ? "sha256" : "sha1"
  // Git makes this file without an executable bit; where it has one, so has every file, whatever is committed.
  const hasModes = (((await modeOf(join(folder, "HEAD"))) ?? 0) & 0o111) === 0
  const lines = [
    "[core]",
    `repositoryformatversion = ${format === "sha1" ? 0 : 1}`,
    `filemode = ${String(hasModes)}`,
    ...(format === "sha1" ? [] : ["[extensions]", `objectformat = ${format}`]),
  ]
  await writeFile(join(folder, "config"), `${lines.join("\n")}\n`)
}

/**
 * The address that a repository was cloned from, by the first words of its reflogs; git writes it there without a
 * login. Undefined where it was made in another way, as CI makes it.
 */
export async function clonedFrom(directory: string): Promise<string | undefined> {
  const logs = await Promise.all(
    ["refs/remotes/origin/HEAD", "HEAD"].map((name) => textOf(join(directory, ".git/logs", name))),
  )
  const found = logs.map((log) => /^[^\n]*\tclone: from ([^\n]+)/.exec(log ?? "")?.[1])
  return found.find((address) => address !== undefined)
}

/** The id that HEAD names, by itself or by its branch. */
async function idOf(folder: string, head: string): Promise<string | undefined> {
  const [, branch] = /^ref: (refs\/[^\n]+)/.exec(head) ?? []
  if (branch === undefined) return idIn(head)
  const loose = branch.includes("..") ? undefined : await textOf(join(folder, branch))
  return idIn(loose ?? "") ?? idIn((await textOf(join(folder, "packed-refs"))) ?? "")
}

function idIn(text: string): string | undefined {
  return /^[0-9a-f]{40,64}\b/m.exec(text)?.[0]
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8")
  } catch {
    return undefined
  }
}

async function modeOf(path: string): Promise<number | undefined> {
  try {
    return (await lstat(path)).mode
  } catch {
    return undefined
  }
}
