import * as z from "zod"
import { absentMark, probeFailure } from "../manifest/packageProbes.js"
import type { ProbeOutput } from "../manifest/packageProbes.js"

/** Package managers of an image that are asked for updates. */
export const updateManagers = ["apt", "pip", "r"] as const
export type UpdateManager = (typeof updateManagers)[number]

/** Shape of `PackageUpdate`. */
export const packageUpdateSchema = z.object({
  manager: z.enum(updateManagers),
  name: z.string(),
  from: z.string(),
  to: z.string(),
})

/** A package of an image of which there is a newer version that a build might take. */
export type PackageUpdate = Readonly<z.infer<typeof packageUpdateSchema>>

/** What one package manager of an image answered. */
export type ManagerAnswer =
  | { readonly kind: "asked"; readonly updates: readonly PackageUpdate[] }
  /** The image does not have it. */
  | { readonly kind: "absent" }
  | { readonly kind: "failed"; readonly reason: string }

/** More are not kept: whoever has so many is built anew all the same. */
const mostUpdates = 2000

/** A line of `apt-get --simulate`: `Inst openssl [3.5.1-1] (3.5.2-1 Debian:13.2/stable [amd64])`; new packages have no `[`. */
const aptLine = /^Inst ([a-z0-9][a-z0-9+.:-]*) \[([\w.+:~-]+)\] \(([\w.+:~-]+)[ )]/
/** A line of our own programs: the word, name, version and newer version with tabs between. */
const ownLine = /^update\t([\w.-]+)\t([\w.+!-]+)\t([\w.+!-]+)$/

const lines: Readonly<Record<UpdateManager, RegExp>> = { apt: aptLine, pip: ownLine, r: ownLine }

/** Reads what a program of `updateProbes.ts` printed in an image; lines of another form say nothing. */
export function readUpdates(manager: UpdateManager, output: ProbeOutput): ManagerAnswer {
  const failure = probeFailure(output)
  if (failure !== undefined) return { kind: "failed", reason: failure }
  if (output.stdout.trim() === absentMark) return { kind: "absent" }
  const updates = output.stdout.split("\n").flatMap((line): PackageUpdate[] => {
    const [, name, from, to] = lines[manager].exec(line.trimEnd()) ?? []
    if (name === undefined || from === undefined || to === undefined) return []
    return [{ manager, name: name.replace(/:[a-z0-9]+$/, ""), from, to }]
  })
  return { kind: "asked", updates: updates.slice(0, mostUpdates) }
}
