import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Directory } from "@dagger.io/dagger"
import { readSource } from "../source/readSource.js"
import type { SourceTree } from "../source/sourceTree.js"
import { loadSpec } from "../spec/loadSpec.js"
import type { Spec } from "../spec/spec.js"
import type { Tree } from "../tree/tree.js"
import { buildTree } from "../tree/tree.js"

/** A stack as its source describes it. */
export interface OpenSource {
  readonly files: SourceTree
  readonly spec: Spec
  readonly tree: Tree
}

/** What of the source is read: the spec, and the images with their tests. */
const parts = ["*.yml", "*.yaml", "images/**", "conftest.py", "pytest.ini"]

/**
 * Reads the stack out of a checkout.
 * @throws InputError where the spec, or something that it names, is wrong
 */
export async function openSource(source: Directory): Promise<OpenSource> {
  const folder = await mkdtemp(join(tmpdir(), "source-"))
  await source.filter({ include: parts }).export(folder)
  const files = await readSource(folder)
  const spec = loadSpec(files)
  return { files, spec, tree: buildTree(spec) }
}
