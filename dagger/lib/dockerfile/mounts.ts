import type { Flag } from "./instruction.js"
import type { Expansion, Lookup } from "./words.js"
import { expandWord } from "./words.js"

/** The fields of a line of CSV (RFC 4180), the form of a mount's options. */
export function csvFields(text: string): readonly string[] {
  const fields = [...text.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/gu)]
  return fields.map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? "")
}

/** One option of a mount, with its variables replaced as far as they are known. */
interface Option {
  readonly key: string
  readonly value?: Expansion
}

const types = ["bind", "cache", "tmpfs", "secret", "ssh"]
const sharings = ["shared", "private", "locked"]
/** Every key (`instructions/commands_runmount.go` of BuildKit), and what its value looks like. */
const values: Readonly<Record<string, RegExp>> = {
  type: new RegExp(`^(?:${types.join("|")})$`, "i"),
  from: /^/,
  source: /^/,
  src: /^/,
  target: /^/,
  dst: /^/,
  destination: /^/,
  id: /^/,
  env: /^/,
  sharing: new RegExp(`^(?:${sharings.join("|")})$`, "i"),
  mode: /^[0-7]+$/,
  uid: /^\d+$/,
  gid: /^\d+$/,
  // `units.RAMInBytes` of docker/go-units.
  size: /^\d+(?:\.\d+)?\s*(?:[kmgtp]?i?b?)$/i,
  ...Object.fromEntries(["readonly", "ro", "readwrite", "rw", "required"].map((key) => [key, goBoolean()])),
}
const switches = new Set(["readonly", "ro", "readwrite", "rw", "required"])

/** What Go's `strconv.ParseBool` accepts. */
function goBoolean(): RegExp {
  return /^(?:1|0|t|f|T|F|true|false|TRUE|FALSE|True|False)$/
}

/** Keys that only mounts of these types take. */
const onlyFor: Readonly<Record<string, readonly string[]>> = {
  required: ["secret", "ssh"],
  size: ["tmpfs"],
  sharing: ["cache"],
  mode: ["secret", "ssh", "cache"],
  uid: ["secret", "ssh", "cache"],
  gid: ["secret", "ssh", "cache"],
}

/** Those of which the builder asks the type that stands before them. */
const inOrder = new Set(["required", "size"])

/** A `RUN --mount`, as the builder will take it. */
export interface Mount {
  /** Undefined where a variable that only the builder knows decides it. */
  readonly type?: string
  /** Of a secret, or an ssh agent: what it is called. */
  readonly id?: string
  readonly required: boolean
  /** The first thing that the builder refuses about it. */
  readonly mistake?: string
}

/** @param lookup gives the variables at the instruction's place */
export function readMount({ value = "" }: Flag, lookup: Lookup): Mount {
  const options = csvFields(value).map((field) => readOption(field, lookup))
  const type = typeBefore(options, options.length)
  const mistake = options
    .map((option, index) => mistakeOf(option, inOrder.has(option.key) ? typeBefore(options, index) : type))
    .find((each) => each !== undefined)
  const isRequired = options.findLast(({ key }) => key === "required")
  const id = type === "secret" ? secretId(options) : type === "ssh" ? agentId(options) : undefined
  const incomplete =
    type === "secret" &&
    !["id", "source", "src", "target", "dst", "destination"].some((key) => has(options, key))
      ? "a secret mount names its id or target"
      : type === "secret" && has(options, "from")
        ? "a secret mount has no from"
        : type === "ssh" && ["source", "src"].some((key) => has(options, key))
          ? "an ssh mount has no source"
          : undefined
  const found = mistake ?? incomplete
  return {
    required: isRequired !== undefined && !/^(?:0|f|false)$/i.test(known(isRequired.value) ?? ""),
    ...(type !== undefined && { type }),
    ...(id !== undefined && { id }),
    ...(found !== undefined && { mistake: found }),
  }
}

function typeBefore(options: readonly Option[], index: number): string | undefined {
  const before = options.slice(0, index).findLast(({ key }) => key === "type")
  return before === undefined ? "bind" : known(before.value)?.toLowerCase()
}

function readOption(field: string, lookup: Lookup): Option {
  const equals = field.indexOf("=")
  if (equals === -1) return { key: field.toLowerCase() }
  return { key: field.slice(0, equals).toLowerCase(), value: expandWord(field.slice(equals + 1), lookup) }
}

function known(value: Expansion | undefined): string | undefined {
  return value?.kind === "text" ? value.text : undefined
}

function has(options: readonly Option[], name: string): boolean {
  return options.some(({ key }) => key === name)
}

function mistakeOf({ key, value }: Option, type: string | undefined): string | undefined {
  const form = values[key]
  if (form === undefined) return `a mount has no option "${key}"`
  if (value === undefined && !switches.has(key)) return `the option "${key}" of a mount takes a value`
  if (value?.kind === "invalid") return `the option "${key}" of a mount: ${value.message}`
  const text = known(value)
  if (text !== undefined && !form.test(text))
    return `"${text}" is not valid for the option "${key}" of a mount`
  if (type === undefined || onlyFor[key]?.includes(type) !== false) return undefined
  return `the option "${key}" is none of a mount of the type "${type}"`
}

/** `default`, where no other is named (`dockerfile2llb/convert_ssh.go`). */
function agentId(options: readonly Option[]): string {
  return known(options.findLast(({ key }) => key === "id")?.value) ?? "default"
}

/** `id`, else `source`, else the last part of the target (`dockerfile2llb/convert_secrets.go`). */
function secretId(options: readonly Option[]): string | undefined {
  const valueOf = (...keys: readonly string[]) =>
    known(options.findLast(({ key, value }) => keys.includes(key) && known(value) !== "")?.value)
  return (
    valueOf("source", "src") ?? valueOf("id") ?? valueOf("target", "dst", "destination")?.split("/").at(-1)
  )
}
