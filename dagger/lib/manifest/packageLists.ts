import * as z from "zod"
import { compareCodeUnits } from "../text/order.js"
import type { Ecosystem, InstalledPackage } from "./manifestData.js"

/** Output of a package manager that is in none of the known forms. */
export class UnreadablePackages extends Error {
  override readonly name = "UnreadablePackages"
}

const parsers: Readonly<Record<Ecosystem, (output: string) => readonly InstalledPackage[]>> = {
  apt: parseDpkg,
  pip: parsePip,
  r: parseR,
  conda: parseConda,
  npm: (output) => shaped(licensedJson, jsonArrayIn(output)).map(licensed),
}

/**
 * The packages in a package manager's output, by name, each name once (of several, the first is the one that is used).
 * @throws UnreadablePackages
 */
export function parsePackageList(ecosystem: Ecosystem, output: string): readonly InstalledPackage[] {
  const byName = new Map<string, InstalledPackage>()
  for (const each of parsers[ecosystem](output)) {
    if (!byName.has(each.name)) byName.set(each.name, each)
  }
  return [...byName.values()].sort((a, b) => compareCodeUnits(a.name, b.name))
}

/** `dpkg-query -W`: status, package and version, then what our probe asks for; or without the status; separated by tabs. */
function parseDpkg(output: string): InstalledPackage[] {
  return contentLines(output).flatMap((line) => {
    const fields = line.split("\t")
    const [name = "", version = "", architecture, ...source] = fields.length > 2 ? fields.slice(1) : fields
    if (fields.length > 2 && !/^.i/.test(fields[0] ?? "")) return []
    if (version === "") throw new UnreadablePackages(`dpkg-query: not a package and a version: "${line}"`)
    const own = { name: name.replace(/:[a-z0-9]+$/, ""), version }
    return [{ ...own, ...(architecture && { architecture }), ...sourceOf(own, source) }]
  })
}

function sourceOf(
  own: InstalledPackage,
  [name = "", version = ""]: readonly string[],
): Pick<InstalledPackage, "source"> {
  if (name === "" || version === "" || (name === own.name && version === own.version)) return {}
  return { source: { name, version } }
}

/** `pip list` as JSON, as columns, or `pip freeze`. */
function parsePip(output: string): InstalledPackage[] {
  const json = jsonArrayIn(output)
  if (json !== undefined) return shaped(pipJson, json).flatMap(distribution)
  const lines = contentLines(output)
  if (/^Package\s+Version/.test(lines[0] ?? "")) return lines.slice(2).flatMap(columns)
  return lines.flatMap(freezeLine)
}

/** What an interrupted upgrade leaves behind has no name, no version or a name like `~umpy`: pip passes it over, too. */
function distribution({ name, version, license }: z.infer<typeof pipJson>[number]): InstalledPackage[] {
  return name && version && pipName.test(name) ? [licensed({ name, version, license })] : []
}

function licensed({ name, version, license }: z.infer<typeof licensedJson>[number]): InstalledPackage {
  const line = license?.replaceAll(/\s+/g, " ").trim()
  return line ? { name, version, license: line } : { name, version }
}

/** Marked lines of our probe, lines of a name and a version, or the printed matrix of `installed.packages()`. */
function parseR(output: string): InstalledPackage[] {
  const lines = contentLines(output)
  const marked = lines.filter((line) => line.startsWith("package\t")).map((line) => line.split("\t").slice(1))
  const rows = marked.length > 0 ? marked : lines.map(matrixRow).filter((row) => row !== undefined)
  if (rows.length === 0) throw new UnreadablePackages("R: no line is a package and a version")
  return rows.flatMap(([name, version, license, repository]) =>
    name && version
      ? [{ ...licensed({ name, version, license: given(license) }), ...repositoryOf(given(repository)) }]
      : [],
  )
}

/** R's word for what is not there. */
function given(field: string | undefined): string | undefined {
  return field === "NA" ? undefined : field
}

function repositoryOf(repository: string | undefined): Pick<InstalledPackage, "repository"> {
  return repository ? { repository } : {}
}

/** `conda list`, as JSON or columns. What pip installed there is left out: it is in pip's own list. */
function parseConda(output: string): InstalledPackage[] {
  const json = jsonArrayIn(output)
  if (json !== undefined) {
    return shaped(condaJson, json)
      .filter(({ channel }) => channel !== "pypi")
      .map(({ name, version, channel, build_string: build }) => ({
        ...{ name, version },
        ...(channel && { channel }),
        ...(build && { build }),
      }))
  }
  return contentLines(output)
    .filter((line) => !line.startsWith("#") && !/\s(?:pypi|<pip>)$/.test(line.trim()))
    .flatMap(columns)
}

const license = z.string().nullish()
const pipJson = z.array(z.object({ name: z.string().nullable(), version: z.string().nullable(), license }))
const licensedJson = z.array(z.object({ name: z.string(), version: z.string(), license }))
/** https://packaging.python.org/en/latest/specifications/name-normalization/#name-format */
const pipName = /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/i
const condaJson = z.array(
  z.object({
    name: z.string(),
    version: z.string(),
    channel: z.string().optional(),
    build_string: z.string().optional(),
  }),
)

function shaped<T>(schema: z.ZodType<T>, json: unknown): T {
  const { data, error } = schema.safeParse(json)
  if (error !== undefined) throw new UnreadablePackages(`not a list of packages: ${z.prettifyError(error)}`)
  return data
}

/** A JSON array among lines of warnings; undefined where there is none. */
function jsonArrayIn(printed: string): unknown {
  const output = printed.replaceAll(/^\[notice\].*$/gm, "")
  const start = output.search(/^[ \t]*\[\s*[{\]]/m)
  if (start === -1) return undefined
  try {
    return JSON.parse(output.slice(start, output.lastIndexOf("]") + 1))
  } catch {
    return undefined
  }
}

function contentLines(output: string): string[] {
  return output.split(/\r?\n/).filter((line) => line.trim() !== "")
}

function columns(line: string): InstalledPackage[] {
  const [name, version] = line.trim().split(/\s+/)
  if (name === undefined || version === undefined) {
    throw new UnreadablePackages(`not a package and a version: "${line.trim()}"`)
  }
  return [{ name, version }]
}

/** `name==version`; what was installed from a URL or a folder has no version and is left out with `-e` and comments. */
function freezeLine(line: string): InstalledPackage[] {
  if (/^(?:#|-e |\[notice\]|WARNING)/.test(line) || line.includes(" @ ")) return []
  const [name, version] = line.trim().split("==")
  if (!name || !version) throw new UnreadablePackages(`pip: not a package and a version: "${line.trim()}"`)
  return [{ name, version }]
}

/** `abind "abind" "1.4-5" ...` of a printed matrix, or `abind 1.4-5`. */
function matrixRow(line: string): readonly string[] | undefined {
  const quoted = [...line.matchAll(/"([^"]*)"/g)].map((match) => match[1] ?? "")
  const fields = quoted.length > 0 ? quoted : line.trim().split(/\s+/)
  const version = fields.slice(1).find((field) => /^\d+(?:[.-]\d+)*$/.test(field))
  return fields[0] === undefined || version === undefined ? undefined : [fields[0], version]
}
