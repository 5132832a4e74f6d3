import { createHash } from "node:crypto"
import type { SourceFile } from "../source/sourceTree.js"
import { compareCodeUnits } from "../text/order.js"

/**
 * Everything that can change an image, and nothing else. File times, owners, the place of the checkout, the commit
 * and the date are left out on purpose: they change labels, never what is in the image.
 *
 * Build arguments are not listed: linking writes their values into `stages`.
 */
export interface ImageInputs {
  /** The image's own stages as linked: instructions, resolved arguments, pinned references. */
  readonly stages: string
  /** Files of its build context that its instructions can read: after `.dockerignore`, without `ChangeIgnore`. */
  readonly contextFiles: readonly ContextFile[]
  /** Images of the tree that it starts from or copies from: what changes them changes this one. */
  readonly parents: readonly ParentKey[]
  /** Images from outside of the tree: a tag such as `debian:13` moves, its digest tells. */
  readonly bases: readonly KeyedBase[]
  /** Files that `BuildAll` names: the stack's owner says that they are part of every image. */
  readonly buildAll: readonly ContextFile[]
  /** `linux/amd64`: the same text gives other bytes on another one. */
  readonly platform: string
}

/** What a build sees of a file. */
export type ContextFile = Pick<SourceFile, "path" | "kind" | "mode" | "sha256">

/** A parent and its own key, so that a key covers all ancestors. */
export interface ParentKey {
  readonly name: string
  readonly inputKey: string
}

/** An image that the tree starts from. */
export interface KeyedBase {
  /** As the Dockerfile has it, defaults spelled out: `docker.io/library/debian:13-slim`. */
  readonly reference: string
  /** What the reference stands for now; absent where no registry could be asked. */
  readonly digest?: string | undefined
}

/**
 * Raised when the form below changes, or what a key has to cover: old labels match nothing instead of something wrong.
 * 2: BuildAll, triggers of external bases.
 */
const keyVersion = "input-key/2"

/** Hex SHA-256 over the inputs in a fixed form, whatever order they are given in. */
export function inputKey(inputs: ImageInputs): string {
  return hashOf([
    keyVersion,
    inputs.platform,
    inputs.stages,
    sorted(inputs.contextFiles.map(fileRow)),
    sorted(inputs.parents.map(({ name, inputKey: key }) => [name, key])),
    sorted(inputs.buildAll.map(fileRow)),
    sorted(inputs.bases.map(({ reference, digest }) => [reference, digest ?? ""])),
  ])
}

/** The parts of linking that a key is made of. */
export interface LinkedInputs {
  readonly stages: string
  readonly contextFiles: readonly ContextFile[]
  readonly bases: readonly KeyedBase[]
  /** Names of images of the tree. */
  readonly parents: readonly string[]
  /** Path of its Dockerfile, which `stages` comes from. */
  readonly dockerfile?: string
}

/** What is known of an image's content without building it. */
export interface ImageKey {
  readonly inputKey: string
  /** External bases, of the image or of what it is built on, whose digest is unknown: the key then proves nothing. */
  readonly unresolvedBases: readonly string[]
}

/** What is the same for all images of a run. */
export interface KeyOptions {
  readonly platform: string
  /** Files that `BuildAll` names. */
  readonly buildAll?: readonly ContextFile[]
  /** Whether `ChangeIgnore` names this file: its change rebuilds nothing, as the stack's owner decided. */
  readonly isIgnored?: (path: string) => boolean
}

/**
 * Keys of all images.
 * @param linked by name, each image after its parents
 * @throws Error where a parent does not come before its child
 */
export function inputKeys(
  linked: ReadonlyMap<string, LinkedInputs>,
  { platform, buildAll = [], isIgnored = () => false }: KeyOptions,
): ReadonlyMap<string, ImageKey> {
  const keys = new Map<string, ImageKey>()
  const keyOf = (parent: string, child: string): ImageKey => {
    const key = keys.get(parent)
    if (key === undefined) throw new Error(`"${parent}" has to come before "${child}", which is made from it`)
    return key
  }
  for (const [name, { stages, contextFiles, bases, parents, dockerfile }] of linked) {
    const above = parents.map((parent) => ({ name: parent, ...keyOf(parent, name) }))
    const unknown = bases.flatMap(({ reference, digest }) => (digest === undefined ? [reference] : []))
    keys.set(name, {
      inputKey: inputKey({
        stages: dockerfile !== undefined && isIgnored(dockerfile) ? "" : stages,
        contextFiles: contextFiles.filter(({ path }) => !isIgnored(path)),
        parents: above,
        bases,
        buildAll,
        platform,
      }),
      unresolvedBases: [...new Set([...unknown, ...above.flatMap(({ unresolvedBases }) => unresolvedBases)])],
    })
  }
  return keys
}

/** Arrays of texts are compared by their JSON: unambiguous, and the same on every machine. */
function sorted(rows: readonly (readonly string[])[]): readonly (readonly string[])[] {
  return rows
    .map((row) => ({ row, text: JSON.stringify(row) }))
    .toSorted((a, b) => compareCodeUnits(a.text, b.text))
    .map(({ row }) => row)
}

/** One file as it enters a key. */
export function fileRow({ path, kind, mode, sha256 }: ContextFile): readonly string[] {
  return [path, kind, mode.toString(8), sha256]
}

/** Hex SHA-256 of a value's JSON. */
export function hashOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex")
}
