import { readFileSync } from "node:fs"
import { join } from "node:path"
import { parse } from "yaml"
import { checkout } from "./stack.js"
import type { Files } from "./source.js"
import type { Page } from "./pages.js"

/** A part of a spec that a page shows. */
export interface SpecBlock {
  /** `docs/shapes.md: images` */
  readonly place: string
  /** The part, as keys of a whole spec. */
  readonly spec: Keys
}

type Keys = Readonly<Record<string, unknown>>

/** What of a JSON schema says which keys there are. */
interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema | boolean
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
}

const whole = JSON.parse(readFileSync(join(checkout, "spec.schema.json"), "utf8")) as Schema
const imageKeys = keysAt(["images", "*"])

/** Every key of a spec, by its path: `images.*.depend_on`, `trust.signers[].key`. */
export function everyKey(): readonly string[] {
  return keysBelow(whole, "")
}

/** Paths of the keys that a spec has. */
export function keysIn(spec: unknown): readonly string[] {
  return keysOf(spec, whole, "")
}

function keysOf(spec: unknown, below: Schema | undefined, path: string): readonly string[] {
  if (below === undefined) return []
  if (Array.isArray(spec)) return spec.flatMap((each) => keysOf(each, itemsOf(below), `${path}[]`))
  if (!isKeys(spec)) return []
  return Object.entries(spec).flatMap(([key, value]) => {
    const named = propertiesOf(below)[key]
    const own = joined(path, named === undefined ? "*" : key)
    return [own, ...keysOf(value, named ?? othersOf(below), own)]
  })
}

/** The YAML of a page that is a spec, a mapping of images, or the keys of one image. */
export function specBlocks({ path, text }: Page): readonly SpecBlock[] {
  const blocks = [...text.matchAll(/^( *)```yaml\n([^]*?)^\1```$/gm)].map(([, , block = ""]) => block)
  return blocks.flatMap((block) => {
    const read: unknown = parse(block, { merge: true })
    const spec = isKeys(read) ? asSpec(read) : undefined
    return spec === undefined ? [] : [{ place: `${path}: ${Object.keys(spec).join(", ")}`, spec }]
  })
}

function asSpec(read: Keys): Keys | undefined {
  const names = Object.keys(read)
  const areAll = (known: readonly string[]) =>
    names.every((name) => known.includes(name) || name.startsWith("x-"))
  if (areAll(keysAt([]))) return read
  if (areAll(imageKeys)) return { images: { image: read } }
  const areImages = Object.values(read).every((image) => isKeys(image) && "image_name" in image)
  return areImages ? { images: read } : undefined
}

/** A part of a spec with all that it takes for granted: keys that are needed, images and files that it names. */
export function completed(part: Keys): Files {
  const given = isKeys(part.images) ? part.images : {}
  const gpu = isKeys(part.gpu) ? [part.gpu.image] : []
  const named = Object.values(given).flatMap((image) =>
    isKeys(image) ? [image.depend_on, ...listOf(image.copies_from)] : [],
  )
  const names = [
    ...Object.keys(given),
    ...[...named, ...gpu].filter((name) => typeof name === "string"),
    "other",
  ]
  const images = Object.fromEntries(
    [...new Set(names)].map((name) => {
      const own = isKeys(given[name]) ? given[name] : {}
      return [name, { image_name: `ghcr.io/completed/${name}`, ...own }] as const
    }),
  )
  const commands = Object.values(images).flatMap((image) => listOf((image as Keys).info_cmds))
  const infos = Object.fromEntries(
    commands.map((key) => [String(key), { description: "d", command: "true" }]),
  )
  const spec = { tag: { prefix: "2026.4" }, all_info_cmds: infos, ...part, images }
  return {
    "spec.yml": JSON.stringify(spec),
    ...filesOf(spec),
    ...Object.fromEntries(Object.entries(images).flatMap((entry) => Object.entries(imageFiles(entry)))),
  }
}

function imageFiles([name, image]: readonly [string, Keys]): Files {
  const folder = textOr(image.directory, `images/${name}`)
  const context = textOr(image.context, folder)
  const args = textOr(image.build_args_file, `${folder}/args`)
  const dockerfile = textOr(image.dockerfile, `${folder}/Dockerfile`)
  return {
    [`${folder}/file`]: "",
    [`${context}/file`]: "",
    [args]: "NAME=value\n",
    [dockerfile]: "FROM scratch\n",
  }
}

/** Files that other keys name. */
function filesOf({ trust, vulnerabilities }: Keys): Files {
  const root = isKeys(trust) ? textOr(trust.trusted_root, "") : ""
  const vex = isKeys(vulnerabilities) ? listOf(vulnerabilities.vex) : []
  const paths = [root, ...vex.map((each) => (isKeys(each) ? textOr(each.file, "") : ""))]
  return Object.fromEntries(paths.filter((path) => path !== "").map((path) => [path, "{}"]))
}

function keysAt(path: readonly string[]): readonly string[] {
  const at = path.reduce<Schema | undefined>(
    (below, key) => below && (key === "*" ? othersOf(below) : propertiesOf(below)[key]),
    whole,
  )
  return at === undefined ? [] : Object.keys(propertiesOf(at))
}

function keysBelow(below: Schema | undefined, path: string): readonly string[] {
  if (below === undefined) return []
  const named = Object.entries(propertiesOf(below)).flatMap(([key, value]) => {
    const own = joined(path, key)
    return [own, ...keysBelow(value, own)]
  })
  const others = othersOf(below)
  return [
    ...named,
    ...(others === undefined ? [] : keysBelow(others, joined(path, "*"))),
    ...keysBelow(itemsOf(below), `${path}[]`),
  ]
}

function alternativesOf(below: Schema): readonly Schema[] {
  return [below, ...(below.anyOf ?? []).flatMap(alternativesOf)]
}

function propertiesOf(below: Schema): Readonly<Record<string, Schema>> {
  return Object.assign({}, ...alternativesOf(below).map(({ properties = {} }) => properties)) as Record<
    string,
    Schema
  >
}

function othersOf(below: Schema): Schema | undefined {
  const found = alternativesOf(below).map(({ additionalProperties }) => additionalProperties)
  return found.find((each) => typeof each === "object")
}

function itemsOf(below: Schema): Schema | undefined {
  return alternativesOf(below).flatMap(({ items }) => items ?? [])[0]
}

function joined(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`
}

function isKeys(value: unknown): value is Keys {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : []
}

function textOr(value: unknown, other: string): string {
  return typeof value === "string" ? value : other
}
