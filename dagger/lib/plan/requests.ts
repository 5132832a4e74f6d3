import type { PlanFacts, RegistryImage } from "./facts.js"
import type { Reason } from "./planDocument.js"

/** A text in which people leave requests, and what it is. */
interface Message {
  readonly where: string
  readonly text: string
}

const skipMarker = "skip ci"
const rebuildMarker = "full rebuild"

/** Where "skip ci" was found; undefined where the run goes on. `--full-rebuild` is asked for on the spot and wins. */
export function skipRequest(facts: PlanFacts): string | undefined {
  if (facts.options.fullRebuild) return undefined
  return messages(facts).find(({ text }) => has(text, skipMarker))?.where
}

/** Something that rebuilds all images, whatever is published. */
export interface RebuildRequest {
  readonly reason: Reason
  /** Asked for by a person, and so only for the images that the call is about: `--only` leaves others out. */
  readonly isAskedFor: boolean
  /** A commit's request is met by images that were built from it; an option's never. */
  readonly untilBuiltFrom?: string | undefined
}

/** Everything that rebuilds all images, as in the old pipeline. */
export function rebuildRequests(facts: PlanFacts): readonly RebuildRequest[] {
  const { options, git } = facts
  const found: RebuildRequest[] = []
  const commit = git.head?.sha
  if (options.fullRebuild) found.push({ reason: { kind: "full-rebuild-option" }, isAskedFor: true })
  for (const { where, text } of messages(facts)) {
    if (has(text, rebuildMarker)) {
      found.push({
        reason: { kind: "full-rebuild-message", where },
        isAskedFor: true,
        untilBuiltFrom: commit,
      })
    }
  }
  if (options.branch === options.mainBranch) {
    found.push({
      reason: { kind: "main", branch: options.branch },
      isAskedFor: false,
      untilBuiltFrom: commit,
    })
  }
  return found
}

/** Whether this image with the right content is what the request asked for. */
export function isMet(request: RebuildRequest, image: RegistryImage): boolean {
  return request.untilBuiltFrom !== undefined && request.untilBuiltFrom === image.revision
}

/** A pull request is checked out as a merge that a machine wrote: the request is in the merged commit. */
function messages({ git, options }: PlanFacts): readonly Message[] {
  const { branch, mainBranch, pullRequestTitle } = options
  const merged = branch === mainBranch ? undefined : git.merged?.message
  const commit = [git.head?.message, merged].filter((text) => text !== undefined).join("\n")
  return [
    { where: "the commit message", text: commit },
    { where: "the pull request's title", text: pullRequestTitle ?? "" },
  ]
}

function has(text: string, marker: string): boolean {
  return text.toLowerCase().includes(marker)
}
