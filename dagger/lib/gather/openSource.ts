import { mkdtemp, readFile } from "node:fs/promises"
import { basename, join } from "node:path"
import { dag, Directory } from "@dagger.io/dagger"
import { isNamedBy } from "../plan/changes.js"
import type { GitFacts } from "../git/gitFacts.js"
import { withoutIgnored } from "../source/leftOut.js"
import { readSource } from "../source/readSource.js"
import type { SourceTree } from "../source/sourceTree.js"
import { trimEnd } from "../text/trim.js"
import { loadSpec, outsidePatterns, specPaths, writtenMainBranch } from "../spec/loadSpec.js"
import type { Spec } from "../spec/spec.js"
import type { Tree } from "../tree/tree.js"
import { buildTree } from "../tree/tree.js"

/** A stack as its source describes it. */
export interface OpenSource {
  readonly files: SourceTree
  readonly spec: Spec
  readonly tree: Tree
  /** Where the module has a copy of what was read. */
  readonly copy: SourceCopy
}

/** A folder in the module's working directory. */
export interface SourceCopy {
  readonly folder: string
}

/** What of the source is read: the spec, the images with their tests, and what git tracks of these. */
const parts = ["*.yml", "*.yaml", "images/**", ".git/index"]

/** Asks git about a source. */
export type AskGit = () => Promise<Pick<GitFacts, "ignored">>

/**
 * Reads the stack out of a checkout.
 * @param ask asks git, for what is built of the source: what git ignores is no part of that
 * @throws InputError where the spec, or something that it names, is wrong
 */
export async function openSource(source: Directory, ask?: AskGit): Promise<OpenSource> {
  const folder = await mkdtemp(join(process.cwd(), "source-"))
  const read = async (include: readonly string[]) => {
    await source.filter({ include: [...include] }).export(folder)
    const found = await readSource(folder)
    if (ask === undefined) return found
    return withoutIgnored(folder, found, await indexOf(folder), async () => (await ask()).ignored)
  }
  const first = await read(parts)
  const elsewhere = outsidePatterns(first)
  const all = elsewhere.length === 0 ? first : await read([...parts, ...elsewhere])
  const spec = loadSpec(all)
  const outside = pathsOutside(spec, all)
  const files = outside.length === 0 ? all : await read([...parts, ...elsewhere, ...outside])
  return { files, spec, tree: buildTree(spec), copy: { folder: basename(folder) } }
}

/** The main branch that a source's spec names, asked before the source is read; undefined where it names none. */
export async function mainBranchOf(source: Directory): Promise<string | undefined> {
  for (const path of specPaths) {
    try {
      return writtenMainBranch(await source.file(path).contents())
    } catch {
      // What is wrong with the spec is told by who reads it whole.
    }
  }
  return undefined
}

async function indexOf(folder: string): Promise<Buffer | undefined> {
  try {
    return await readFile(join(folder, ".git/index"))
  } catch {
    // No repository, or a worktree, whose index is elsewhere.
    return undefined
  }
}

/** What `BuildAll` names besides what is read by itself: its files are a part of every image's key. */
function pathsOutside({ changeRules, imagesDirectory }: Spec, { files }: SourceTree): readonly string[] {
  const read = [...files.keys()]
  return changeRules.buildAll
    .filter((rule) => !read.some((path) => isNamedBy([rule], imagesDirectory, path)))
    .map((rule) => trimEnd(rule, "/"))
    .filter((rule) => rule !== imagesDirectory && !rule.startsWith(`${imagesDirectory}/`))
    .flatMap((rule) => [rule, `${rule}/**`])
}

/**
 * Some files of the source, below a folder of it. The engine knows a part of `source` by the whole that it is a part
 * of, and would repeat all tests when any file changes; what comes out of the module it knows by its content.
 * @param include patterns of paths below the folder
 * @param exclude of these, what is left out
 */
export function sourceFiles(
  copy: SourceCopy,
  folder: string,
  include: readonly string[],
  exclude: readonly string[] = [],
): Promise<Directory> {
  const options = { include: [...include], exclude: [...exclude] }
  const files = dag.currentModule().workdir(join(copy.folder, folder), options)
  // Taken now: the module is gone when a container that it returns is used.
  return files.sync()
}
