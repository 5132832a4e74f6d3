import { InputError, atOption } from "../problems.js"
import { hintFor } from "../text/suggest.js"
import type { ImageSpec, Spec } from "../spec/spec.js"

/** An image in the tree. */
export interface TreeNode {
  readonly name: string
  readonly image: ImageSpec
  readonly parent?: TreeNode
}

/** The images of a spec with their parents; several without one are several trees side by side. */
export interface Tree {
  /** Every image, each after its parent; in the order of the spec among those that could come next. */
  readonly nodes: readonly TreeNode[]
  /** @throws UnknownImage */
  node(name: string): TreeNode
  /** What an image is built on: its parent first, its root last. */
  ancestors(name: string): readonly TreeNode[]
}

/** A name that the caller took for an image of the tree: a mistake in the code, not in the user's input. */
export class UnknownImage extends Error {
  override readonly name = "UnknownImage"
}

/** A node while the tree is being linked. */
interface MutableNode extends TreeNode {
  parent?: MutableNode
}

/** Links a spec's images. Takes a spec without cycles and unknown parents, as `loadSpec` gives it. */
export function buildTree(spec: Spec): Tree {
  const byName = linkNodes(spec)
  const nodes = inDependencyOrder(byName)
  const node = (name: string): TreeNode => {
    const found = byName.get(name)
    if (found === undefined) throw new UnknownImage(`there is no image "${name}"`)
    return found
  }
  return { nodes, node, ancestors: (name) => chain(node(name).parent) }
}

/**
 * The named images and what they are built on, in dependency order; all images where none is named.
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
  for (const name of only) for (const node of chain(tree.node(name), selected)) selected.add(node)
  return tree.nodes.filter((node) => selected.has(node))
}

function linkNodes(spec: Spec): ReadonlyMap<string, MutableNode> {
  const byName = new Map<string, MutableNode>()
  for (const image of spec.images.values()) {
    byName.set(image.name, { name: image.name, image })
  }
  for (const node of byName.values()) {
    if (node.image.parent === undefined) continue
    const parent = byName.get(node.image.parent)
    if (parent === undefined) throw new UnknownImage(`"${node.name}" depends on "${node.image.parent}"`)
    node.parent = parent
  }
  return byName
}

/** The spec's order, with what an image is built on moved to just before it where it stands later. */
function inDependencyOrder(byName: ReadonlyMap<string, TreeNode>): readonly TreeNode[] {
  const ordered = new Set<TreeNode>()
  for (const start of byName.values())
    for (const node of chain(start, ordered).toReversed()) ordered.add(node)
  return [...ordered]
}

/** A node and what it is built on, root last, up to the first that is already in `until`. */
function chain<Node extends { readonly parent?: Node }>(
  start: Node | undefined,
  until: ReadonlySet<Node> = new Set(),
): readonly Node[] {
  const found = new Set<Node>()
  for (let node = start; node !== undefined && !until.has(node); node = node.parent) {
    if (found.has(node)) throw new Error("images depend on each other; loadSpec refuses that")
    found.add(node)
  }
  return [...found]
}
