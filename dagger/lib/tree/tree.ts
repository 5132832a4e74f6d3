import { InputError, atOption } from "../problems.js"
import { hintFor } from "../text/suggest.js"
import type { ImageSpec, Spec } from "../spec/spec.js"
import { madeFrom } from "../spec/spec.js"

/** An image in the tree. */
export interface TreeNode {
  readonly name: string
  readonly image: ImageSpec
  /** What it is built on. */
  readonly parent?: TreeNode
  /** All that is built before it: its parent first, then those that it takes files from. */
  readonly sources: readonly TreeNode[]
}

/**
 * The images of a spec with what they are made from. What they are built on makes a tree, or several side by side; with
 * those that they take files from it is a graph without cycles.
 */
export interface Tree {
  /** Every image, each after its sources; in the order of the spec among those that could come next. */
  readonly nodes: readonly TreeNode[]
  /** @throws UnknownImage */
  node(name: string): TreeNode
  /** What an image is built on: its parent first, its root last. Their tests run in it. */
  ancestors(name: string): readonly TreeNode[]
}

/** A name that the caller took for an image of the tree: a mistake in the code, not in the user's input. */
export class UnknownImage extends Error {
  override readonly name = "UnknownImage"
}

/** A node while the tree is being linked. */
interface MutableNode extends TreeNode {
  parent?: MutableNode
  sources: readonly MutableNode[]
}

/** Links a spec's images. Takes a spec without cycles and unknown parents, as `loadSpec` gives it. */
export function buildTree(spec: Spec): Tree {
  const byName = linkNodes(spec)
  const nodes = new Set<TreeNode>()
  for (const start of byName.values()) placeWithSources(start, nodes)
  const node = (name: string): TreeNode => {
    const found = byName.get(name)
    if (found === undefined) throw new UnknownImage(`there is no image "${name}"`)
    return found
  }
  return { nodes: [...nodes], node, ancestors: (name) => chain(node(name).parent) }
}

/**
 * The named images and what they are made from, in dependency order; all images where none is named.
 * @throws InputError naming every unknown image, with a suggestion
 */
export function selectImages(tree: Tree, only: readonly string[]): readonly TreeNode[] {
  if (only.length === 0) return tree.nodes
  const names = new Set(tree.nodes.map(({ name }) => name))
  const unknown = only.filter((name) => !names.has(name))
  if (unknown.length > 0) {
    throw new InputError(
      unknown.map((name) => ({
        location: atOption("--only"),
        message: `there is no image "${name}"`,
        hint: hintFor(name, names, "images"),
      })),
    )
  }
  const selected = new Set<TreeNode>()
  for (const name of only) placeWithSources(tree.node(name), selected)
  return tree.nodes.filter((node) => selected.has(node))
}

function linkNodes(spec: Spec): ReadonlyMap<string, MutableNode> {
  const byName = new Map<string, MutableNode>()
  for (const image of spec.images.values()) {
    byName.set(image.name, { name: image.name, image, sources: [] })
  }
  for (const node of byName.values()) {
    node.sources = madeFrom(node.image).map((name) => {
      const source = byName.get(name)
      if (source === undefined) throw new UnknownImage(`"${node.name}" is made from "${name}"`)
      return source
    })
    const [first] = node.sources
    if (node.image.parent !== undefined && first !== undefined) node.parent = first
  }
  return byName
}

/** Adds a node behind all that it is made from, as far as that is not there yet. */
function placeWithSources(start: TreeNode, placed: Set<TreeNode>): void {
  const waiting = [start]
  const begun = new Set<TreeNode>()
  for (let node = waiting.at(-1); node !== undefined; node = waiting.at(-1)) {
    const missing = node.sources.filter((source) => !placed.has(source))
    if (missing.length === 0) {
      placed.add(node)
      waiting.pop()
      continue
    }
    if (begun.has(node)) throw new Error("images depend on each other; loadSpec refuses that")
    begun.add(node)
    waiting.push(...missing.toReversed())
  }
}

function chain(start: TreeNode | undefined): readonly TreeNode[] {
  const found: TreeNode[] = []
  for (let node = start; node !== undefined; node = node.parent) found.push(node)
  return found
}
