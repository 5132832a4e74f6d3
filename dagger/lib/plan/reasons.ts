import { listOf, plural, shortDigest } from "../text/format.js"
import type { PackageUpdate } from "../updates/packageUpdates.js"
import type { ChangedFile } from "./changes.js"
import type { Action, Reason } from "./planDocument.js"

/** Files, and packages, named in one reason; a person reads a few, and a document of a renamed folder stays small. */
const filesListed = 10

/** The bounded list of a reason. */
export function fileList(files: readonly ChangedFile[]): { files: ChangedFile[]; more: number } {
  return { files: files.slice(0, filesListed), more: Math.max(0, files.length - filesListed) }
}

const everythingAgain = "every RUN runs again, on what its bases stand for now"

/** A reason as a clause that stands alone in a table: "its parent base is rebuilt". */
export function describeReason(reason: Reason): string {
  switch (reason.kind) {
    case "skip-requested":
      return `skipped by request: ${reason.where} says "skip ci" (--full-rebuild runs all the same)`
    case "asked-for":
      return reason.reference === undefined ? "asked for by name" : `asked for as ${reason.reference}`
    case "not-selected":
      return "not one of the images asked for with --only"
    case "needed-by":
      return `${listOf(reason.images)} ${reason.images.length === 1 ? "needs" : "need"} it`
    case "full-rebuild-option":
      return `--full-rebuild was given: ${everythingAgain}`
    case "full-rebuild-message":
      return `${reason.where} says "full rebuild": ${everythingAgain}`
    case "not-published":
      return "it is published nowhere, so that no run remembers it"
    case "main":
      return `on ${reason.branch} everything is built, because its images may go to production`
    case "build-all-file":
      return `BuildAll names what changed: ${describeFiles(reason)}`
    case "rebuilt-for-this-commit":
      return `the rebuild was done: ${reason.tag} was built from this commit ${reason.commit.slice(0, 12)}`
    case "parent-rebuilt":
      return `its parent ${reason.parent} is rebuilt`
    case "files-changed":
      return `its files changed: ${describeFiles(reason)}`
    case "spec-changed":
      return `${reason.path} changed, and may concern it`
    case "tests-changed":
      return `its tests changed: ${describeFiles(reason)}`
    case "base-moved":
      return `${reason.reference} moved from ${shortDigest(reason.from)} to ${shortDigest(reason.to)}`
    case "updates":
      return `max_age: ${ageText(reason)}, ${plural(reason.updates.length, "update")}: ${updateList(reason.updates)}`
    case "no-updates":
      return `max_age: ${ageText(reason)}, and ${leftText(reason.left)}`
    case "nothing-published":
      return `${reason.repository} has no image under the tags of this branch, main or stable`
    case "no-image-with-key":
      return `no published image has this content (key ${reason.inputKey.slice(0, 12)})`
    case "same-content":
      return `${reason.tag} has this content, by its label`
    case "tests-passed":
      return `${reason.tag} has passed these tests${reason.witness === undefined ? "" : `, by the word of ${reason.witness}`}`
    case "tests-not-passed":
      return `${reason.tag} has not passed these tests yet`
    case "registry-unknown":
      return `the registry could not be asked (${reason.why}), so git decided`
    case "registry-not-trusted":
      return "the spec has trust_registry: false, so labels and tags of earlier runs are not believed on main"
    case "not-proved":
      return `${reason.tag} is not believed: ${reason.why}`
    case "base-unknown":
      return `${listOf(reason.references)} could not be resolved, so git decided`
    case "git-unknown":
      return `git cannot say what changed: ${reason.why}`
    case "unchanged":
      return `git finds no change (${reason.why})`
  }
}

/** The action with what it means, for a person who reads the first plan of their life. */
export function describeAction(action: Action): string {
  switch (action) {
    case "build":
      return "is built and tested"
    case "retest":
      return "is not built: the published image is tested again"
    case "retag":
      return "is not built: the published image gets this run's tag, no layer moves"
    case "reuse":
      return "stays as it is published"
    case "skip":
      return "is left alone"
  }
}

function ageText({ days, maxAge }: AskedReason): string {
  return days === undefined ? "of unknown age" : `${days} d old (of at most ${maxAge})`
}

function leftText(left: readonly PackageUpdate[]): string {
  if (left.length === 0) return "no package has an update"
  return `no package has an update but those that its last build did not bring: ${updateList(left)}`
}

function updateList(updates: readonly PackageUpdate[]): string {
  const named = updates.slice(0, filesListed).map(({ name, from, to }) => `${name} ${from} -> ${to}`)
  const more = updates.length - named.length
  return more === 0 ? named.join(", ") : `${named.join(", ")} and ${more} more`
}

type AskedReason = Extract<Reason, { kind: "updates" | "no-updates" }>

function describeFiles({ files, more }: FileReason): string {
  const named = files.map(({ path, status, committed }) => {
    const notes = [...(status === "modified" ? [] : [status]), ...(committed ? [] : ["not committed"])]
    return notes.length === 0 ? path : `${path} (${notes.join(", ")})`
  })
  return more === 0 ? listOf(named) : `${named.join(", ")} and ${plural(more, "more file")}`
}

type FileReason = Extract<Reason, { kind: "files-changed" | "tests-changed" | "build-all-file" }>
