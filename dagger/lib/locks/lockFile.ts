import type { PackageChange } from "../manifest/diff.js"
import { compareVersions } from "../manifest/compareVersions.js"
import { normalizedName } from "../manifest/pythonName.js"
import { compareCodeUnits } from "../text/order.js"

/** A pinned requirement of pip's requirements file: `name[extra]==version`, maybe behind it a marker and hashes. */
const pinned = /^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?:\[[^\]]*\])?==([^\s;\\]+)/

/** What became of the packages of one lock file. */
export interface LockChange {
  /** From the root of the source. */
  readonly path: string
  /** By name. */
  readonly changes: readonly PackageChange[]
}

/** Versions by name, as PEP 503 writes names, out of a lock file in pip's format; lines of another form say nothing. */
export function lockedVersions(text: string): ReadonlyMap<string, string> {
  const found = text.split("\n").flatMap((line) => {
    const [, name, version] = pinned.exec(line) ?? []
    return name === undefined || version === undefined ? [] : [[normalizedName(name), version] as const]
  })
  return new Map(found)
}

/** What differs between two texts of a lock file. */
export function lockChange(path: string, before: string, after: string): LockChange {
  const [from, to] = [lockedVersions(before), lockedVersions(after)]
  const names = [...new Set([...from.keys(), ...to.keys()])].sort(compareCodeUnits)
  return { path, changes: names.flatMap((name) => changeOf(name, from.get(name), to.get(name))) }
}

function changeOf(name: string, from: string | undefined, to: string | undefined): readonly PackageChange[] {
  if (from === to) return []
  if (from === undefined) return to === undefined ? [] : [{ kind: "added", name, to }]
  if (to === undefined) return [{ kind: "removed", name, from }]
  const order = compareVersions("pip", from, to) ?? 0
  if (order === 0) return [{ kind: "changed", name, from, to }]
  return [{ kind: order < 0 ? "upgraded" : "downgraded", name, from, to }]
}
