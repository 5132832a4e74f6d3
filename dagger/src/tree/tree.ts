import { InputError, atOption } from "../problems.js"
import { hintFor } from "../text/suggest.js"
import type { ImageSpec, Spec } from "../spec/spec.js"

/** An image in the tree. */
export interface TreeNode {
  readonly name: string
  readonly image: ImageSpec
  readonly parent?: TreeNode
  /** Images built directly on this one, in the order of the spec. */
  readonly children: readonly TreeNode[]
  /** Steps from its root; 0 for a root. */
  readonly depth: number
}

/** The images of a spec with their parents and children; several roots are several trees side by side. */
export interface Tree {
  /** Every image, each after its parent; in the order of the spec among those that could come next. */
  readonly nodes: readonly TreeNode[]
  readonly roots: readonly TreeNode[]
  /** @throws UnknownImage */
  node(name: string): TreeNode
  /** What an image is built on: its parent first, its root last. */
  ancestors(name: string): readonly TreeNode[]
  /** All that is built on an image, each after its parent. */
  descendants(name: string): readonly TreeNode[]
}

/** A name that the caller took for an image of the tree: a mistake in the code, not in the user's input. */
export class UnknownImage extends Error {
  override readonly name = "UnknownImage"
}

/** A node while the tree is being linked. */
interface MutableNode extends TreeNode {
  parent?: MutableNode
  readonly children: MutableNode[]
  depth: number
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
  const descendants = (name: string): readonly TreeNode[] => {
    const below = new Set<TreeNode>(node(name).children)
    // A set's iteration goes on to what is added on the way.
    for (const each of below) for (const child of each.children) below.add(child)
    return nodes.filter((each) => below.has(each))
  }
  return {
    nodes,
    roots: nodes.filter(({ parent }) => parent === undefined),
    node,
    ancestors: (name) => chain(node(name).parent),
    descendants,
  }
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
    byName.set(image.name, { name: image.name, image, children: [], depth: 0 })
  }
  for (const node of byName.values()) {
    if (node.image.parent === undefined) continue
    const parent = byName.get(node.image.parent)
    if (parent === undefined) throw new UnknownImage(`"${node.name}" depends on "${node.image.parent}"`)
    node.parent = parent
    parent.children.push(node)
  }
  return byName
}

/** The spec's order, with what an image is built on moved to just before it where it stands later. */
function inDependencyOrder(byName: ReadonlyMap<string, MutableNode>): readonly TreeNode[] {
  const ordered = new Set<MutableNode>()
  for (const start of byName.values()) {
    for (const node of chain(start, ordered).toReversed()) {
      node.depth = node.parent === undefined ? 0 : node.parent.depth + 1
      ordered.add(node)
    }
  }
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
