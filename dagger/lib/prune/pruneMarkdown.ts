import { plural, shortDigest } from "../text/format.js"
import { codeCell, fenced, plainText, table } from "../text/markdown.js"
import type { PruneOutcome } from "./carryOut.js"
import type { KeptBecause, PruneEntry, PrunePlan } from "./prunePlan.js"

/** What a report of `prune` tells besides its plan. */
export interface PruneNews {
  /** `30 d`, as it was given. */
  readonly olderThan: string
  /** Milliseconds since 1970. */
  readonly now: number
  /** Absent in a dry run. */
  readonly outcome?: PruneOutcome | undefined
  /** How this registry is told to delete, where its own API does not: Markdown. */
  readonly byHand?: string | undefined
}

const reasons: Readonly<Record<KeptBecause, string>> = {
  stable: "a stable tag",
  journal: "a journal of promotions",
  branch: "the tag of a branch",
  further: "a further tag of the spec",
  asked: "asked for by --keep",
  foreign: "not of this pipeline",
  young: "younger",
  undated: "of unknown age",
  part: "listed by an index that stays",
  promoted: "named by a journal that stays",
  referrer: "about an image that stays",
}

/** The report for people. */
export function renderPruneMarkdown(plan: PrunePlan, news: PruneNews): string {
  const { unneeded, notices } = plan
  const parts = [
    "# Prune",
    headline(plan, news),
    unneeded.length === 0 ? "" : table(["Image", "Digest", "Age", "Tags"], unneeded.map(rowOf(news)), "--r-"),
    news.byHand ?? "",
    "What stays:",
    table(["Image", "Digests", "Tags", "Because of"], keptRows(plan), "-rr-"),
    notices.map((notice) => `- ${plainText(notice)}`).join("\n"),
  ]
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`
}

function headline({ unneeded }: PrunePlan, { outcome, olderThan, byHand }: PruneNews): string {
  const count = plural(unneeded.length, "digest")
  const tags = plural(
    unneeded.reduce((sum, entry) => sum + entry.tags.length, 0),
    "tag",
  )
  if (unneeded.length === 0) return `Nothing older than ${olderThan} is unneeded.`
  if (outcome === undefined) {
    const what = `${count} with ${tags}, older than ${olderThan}, ${unneeded.length === 1 ? "is" : "are"} needed by nothing.`
    return byHand === undefined
      ? `${what}\n\nNothing was deleted: that takes --confirm.`
      : `${what}\n\nNothing was deleted.`
  }
  const gone = outcome.deleted.length
  if (outcome.problem === undefined) return `${count} with ${tags} deleted.`
  return `${gone === 0 ? "Nothing was" : `${gone} of ${count} were`} deleted: ${plainText(outcome.problem)}.`
}

function rowOf({ now }: PruneNews): (entry: PruneEntry) => readonly string[] {
  return ({ image, digest, created, tags }) => [
    plainText(image),
    codeCell(shortDigest(digest)),
    created === undefined ? "" : `${Math.floor((now - created) / 86_400_000)} d`,
    tags.length === 0 ? "none: part of another one here" : tags.map(codeCell).join(", "),
  ]
}

/** Kept digests, counted by image and reason. */
function keptRows({ kept }: PrunePlan): readonly (readonly string[])[] {
  const images = [...new Set(kept.map(({ image }) => image))]
  return images.flatMap((image) =>
    Object.entries(reasons).flatMap(([because, words]) => {
      const entries = kept.filter((entry) => entry.image === image && entry.kept?.because === because)
      const tags = entries.reduce((sum, entry) => sum + entry.tags.length, 0)
      return entries.length === 0 ? [] : [[plainText(image), String(entries.length), String(tags), words]]
    }),
  )
}

/** What to do at a registry whose versions only its own pages and API delete. */
export function deletingByHand(registry: string, unneeded: readonly PruneEntry[]): string | undefined {
  if (registry === "docker.io")
    return "Docker Hub deletes by its own pages only: digests.txt has what is unneeded."
  const [first] = unneeded
  if (registry !== "ghcr.io" || first === undefined) return undefined
  const { repository, digest } = first
  const [, owner = "", ...path] = repository.split("/")
  const versions = `/orgs/${owner}/packages/container/${path.join("%2F")}/versions`
  const commands = [
    `gh api --paginate '${versions}' --jq '.[] | select(.name == "${digest}") | .id'`,
    `gh api --method DELETE '${versions}/ID'`,
  ]
  return [
    "GHCR refuses to delete manifests by the registry's API: each digest is a version of its package, and deleting that takes " +
      "all of its tags away, too. With a token that has `delete:packages`, for each line of digests.txt (here the first one; " +
      "`/users/` for a person's packages):",
    fenced(commands.join("\n"), "sh"),
    "For 30 days a version can be restored. GitHub keeps versions of a public package with over 5000 downloads.",
  ].join("\n\n")
}
