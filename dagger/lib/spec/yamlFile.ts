import type { Location, Problem } from "../problems.js"
import { isAlias, isMap, isNode, isPair, isScalar, isSeq, parseDocument } from "yaml"
import type { Alias, Document, ParsedNode, YAMLMap } from "yaml"

/** A value of a YAML file with where it stands and, for a scalar, how it was written. */
export interface Place {
  /** The value as plain data: object, array, string, number, boolean or null. */
  readonly value: unknown
  /** A scalar as its author wrote it: an unquoted `3.10` is the number 3.1 and the text `3.10`. */
  readonly text?: string
  readonly location: Location
  /** Where its key stands; the same as `location` for items of lists and the whole document. */
  readonly keyLocation: Location
  /** Values by key of a mapping, or by index (`"0"`) of a list. */
  readonly children: ReadonlyMap<string, Place>
}

/** A YAML or JSON file, read. */
export interface YamlFile {
  readonly root: Place
  /** The value at a path of keys, if there is one. */
  at(...path: readonly PropertyKey[]): Place | undefined
  /** The value at a path or, where there is none, the nearest one around it. */
  nearest(path: readonly PropertyKey[]): Place
}

/** What reading gives: the file where its syntax is right, and what is wrong with it. */
export interface YamlReading {
  readonly file?: YamlFile
  readonly problems: readonly Problem[]
}

/** Deeper nesting is an alias inside of its own anchor, or an attack on the stack. */
const deepest = 64
/** More values are an expansion of aliases ("billion laughs"); a stack of 5000 images has about 30,000. */
const mostValues = 200_000

const mostBrackets = 100_000

const mostSyntaxProblems = 5

interface Reader {
  readonly locate: (offset: number) => Location
  /** Mistakes that leave the rest meaningful. */
  readonly problems: Problem[]
  /** Mistakes after which other messages would mislead. */
  readonly fatal: Problem[]
  /** Nodes by anchor, so far. */
  readonly anchors: Map<string, unknown>
  /** What each alias stands for; later anchors of that name do not change it. */
  readonly targets: Map<Alias, unknown>
  /** Whether what is read stands behind an alias, and was read before. */
  isExpanding: boolean
  values: number
}

/**
 * Reads YAML 1.2 (and so JSON), with anchors, aliases and merge keys (`<<`). Syntax errors, duplicate keys and
 * unknown tags are problems; nothing is thrown.
 * @param path names the file in problems
 */
export function readYaml(path: string, text: string): YamlReading {
  const locate = locator(path, text)
  const document = parse(text)
  if (document === undefined) return { problems: [tooMuch(locate(0))] }
  const syntax = syntaxProblems(document, locate)
  if (syntax.length > 0) return { problems: syntax }
  const reader: Reader = {
    locate,
    problems: [],
    fatal: [],
    anchors: new Map(),
    targets: new Map(),
    isExpanding: false,
    values: 0,
  }
  const root = read(reader, document.contents, locate(0), 0)
  if (reader.fatal.length > 0) return { problems: reader.fatal.slice(0, mostSyntaxProblems) }
  return { file: fileOf(root), problems: reader.problems }
}

/** A file without some of its top-level keys; problems of what is left keep their places. */
export function withoutKeys({ root }: YamlFile, isLeftOut: (key: string) => boolean): YamlFile {
  const children = new Map([...root.children].filter(([key]) => !isLeftOut(key)))
  if (children.size === root.children.size) return fileOf(root)
  const value = Object.fromEntries([...children].map(([key, place]) => [key, place.value]))
  return fileOf({ ...root, value, children })
}

/** Not by the parser's LineCounter, which misses line breaks where the syntax is wrong. */
function locator(file: string, text: string): Reader["locate"] {
  const starts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)]
  return (offset) => {
    let [low, high] = [0, starts.length - 1]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    return { file, line: low + 1, column: Math.max(1, offset - (starts[low] ?? 0) + 1) }
  }
}

function parse(text: string): Document | undefined {
  // The parser's time grows by the square of them, nested or too many; in JSON such a stack has about 30,000.
  if ((text.match(/[[\]{}]/g)?.length ?? 0) > mostBrackets) return undefined
  try {
    // Duplicate keys are found below, where the message can say where the first one is.
    return parseDocument(text, { merge: true, uniqueKeys: false, prettyErrors: false })
  } catch (error) {
    // The parser descends by recursion: thousands of brackets exhaust the stack.
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** One a line, and a few in all: one slip makes the parser stumble over what follows. */
function syntaxProblems(document: Document, locate: Reader["locate"]): readonly Problem[] {
  const errors = [...document.errors, ...document.warnings].toSorted((a, b) => a.pos[0] - b.pos[0])
  const perLine = new Map<number, Problem>()
  for (const { code, pos, message } of errors) {
    const location = locate(pos[0])
    if (code === "RESOURCE_EXHAUSTION") return [tooMuch(location)]
    if (perLine.has(location.line)) continue
    const words = code === "MULTIPLE_DOCS" ? "a second document begins" : message
    perLine.set(location.line, { location, message: `not valid YAML: ${words}` })
  }
  return [...perLine.values()].slice(0, mostSyntaxProblems)
}

function fileOf(root: Place): YamlFile {
  const at = (...path: readonly PropertyKey[]): Place | undefined =>
    path.reduce<Place | undefined>((place, key) => place?.children.get(String(key)), root)
  const nearest = (path: readonly PropertyKey[]): Place => {
    for (let length = path.length; length > 0; length -= 1) {
      const place = at(...path.slice(0, length))
      if (place !== undefined) return place
    }
    return root
  }
  return { root, at, nearest }
}

function read(reader: Reader, node: unknown, keyLocation: Location, depth: number): Place {
  const location = locationOf(reader, node) ?? keyLocation
  reader.values += 1
  if (depth > deepest || reader.values > mostValues) {
    if (reader.fatal.length === 0) reader.fatal.push(tooMuch(location))
    return { value: null, location, keyLocation, children: new Map() }
  }
  if (isAlias(node)) return { ...expanded(reader, node, keyLocation, depth), location }
  noteAnchor(reader, node)
  if (isMap(node)) {
    const children = readMap(reader, node, depth)
    const entries = [...children].map(([key, { value }]) => [key, value] as const)
    return { value: Object.fromEntries(entries), location, keyLocation, children }
  }
  if (isSeq(node)) {
    const items = node.items.map((item) =>
      read(reader, item, locationOf(reader, item) ?? location, depth + 1),
    )
    const children = new Map(items.map((item, index) => [String(index), item]))
    return { value: items.map(({ value }) => value), location, keyLocation, children }
  }
  const text = textOf(node)
  return {
    value: scalarOf(node),
    location,
    keyLocation,
    children: new Map(),
    ...(text !== undefined && { text }),
  }
}

/** Own keys first; merged ones (`<<: *common`) where there is no own key of that name. */
function readMap(reader: Reader, map: YAMLMap, depth: number): ReadonlyMap<string, Place> {
  const children = new Map<string, Place>()
  const merged: Place[] = []
  for (const item of map.items) {
    const keyLocation = locationOf(reader, item.key) ?? reader.locate(0)
    const key = keyOf(reader, item.key)
    const place = read(reader, item.value, keyLocation, depth + 1)
    const isMerge = isMergeKey(item.key)
    const sources = isMerge ? mergeSources(place) : []
    merged.push(...sources.filter(isMapping))
    const problem = isMerge ? mergeProblem(reader, sources) : keyProblem(key, keyLocation, children)
    if (problem !== undefined) note(reader, problem)
    else if (!isMerge && key !== undefined) children.set(key, place)
  }
  for (const [key, place] of merged.flatMap((source) => [...source.children])) {
    if (!children.has(key)) children.set(key, place)
  }
  return children
}

/** What an alias expands to was read before, and so was what is wrong with it. */
function note(reader: Reader, problem: Problem): void {
  if (!reader.isExpanding) reader.problems.push(problem)
}

function mergeSources(place: Place): readonly Place[] {
  return Array.isArray(place.value) ? [...place.children.values()] : [place]
}

function isMapping({ value }: Place): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

function mergeProblem(reader: Reader, sources: readonly Place[]): Problem | undefined {
  const wrong = sources.find((source) => !isMapping(source))
  if (wrong === undefined) return undefined
  const { location, text = "" } = wrong
  const message = '"<<" takes a mapping, or a list of mappings'
  if (!reader.anchors.has(text)) return { location, message }
  return { location, message, hint: `is the alias "*${text}" meant?` }
}

function isMergeKey(key: unknown): boolean {
  return isScalar(key) && typeof key.value === "symbol"
}

/** Keys are texts as written; undefined for a list or mapping as key. */
function keyOf(reader: Reader, key: unknown): string | undefined {
  const node = isAlias(key) ? target(reader, key) : key
  noteAnchor(reader, key)
  if (node === null) return ""
  return isScalar(node) ? (textOf(node) ?? "") : undefined
}

function expanded(reader: Reader, alias: Alias, keyLocation: Location, depth: number): Place {
  const { isExpanding } = reader
  const node = target(reader, alias)
  reader.isExpanding = true
  const place = read(reader, node, keyLocation, depth + 1)
  reader.isExpanding = isExpanding
  return place
}

function noteAnchor(reader: Reader, node: unknown): void {
  if (reader.isExpanding || !isNode(node) || isAlias(node) || node.anchor === undefined) return
  reader.anchors.set(node.anchor, node)
}

/** Not by `alias.resolve`, which walks the whole document for each alias. */
function target(reader: Reader, alias: Alias): unknown {
  const known = reader.targets.get(alias) ?? reader.anchors.get(alias.source)
  if (known === undefined) {
    const location = locationOf(reader, alias) ?? reader.locate(0)
    reader.fatal.push({
      location,
      message: `not valid YAML: no anchor "&${alias.source}" stands before this`,
    })
  }
  reader.targets.set(alias, known)
  return known
}

function textOf(node: unknown): string | undefined {
  if (!isScalar(node) || node.value === null) return undefined
  return typeof node.value === "string" ? node.value : (node.source ?? JSON.stringify(node.value))
}

function scalarOf(node: unknown): unknown {
  if (!isScalar(node)) return null
  const isPlain = node.value === null || ["string", "number", "boolean"].includes(typeof node.value)
  return isPlain ? node.value : textOf(node)
}

function locationOf(reader: Reader, node: unknown): Location | undefined {
  const range = isPair(node) ? undefined : (node as ParsedNode | null | undefined)?.range
  return range === undefined ? undefined : reader.locate(range[0])
}

function keyProblem(
  key: string | undefined,
  location: Location,
  known: ReadonlyMap<string, Place>,
): Problem | undefined {
  if (key === undefined) return { location, message: "a key must be a text, not a list or a mapping" }
  // As a key of an object it would name the prototype, and validators pass it over in silence.
  if (key === "__proto__") return { location, message: `unknown key "${key}"` }
  const first = known.get(key)?.keyLocation
  if (first === undefined) return undefined
  return { location, message: `"${key}" is defined a second time`, hint: `first in line ${first.line}` }
}

function tooMuch(location: Location): Problem {
  return { location, message: "nested too deeply, or aliases that expand to too many values" }
}
