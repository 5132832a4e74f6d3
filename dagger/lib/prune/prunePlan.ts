import type { FurtherTag } from "../tag/furtherTags.js"
import { isGivenBy, isOfOneRun } from "../tag/furtherTags.js"
import type { TagForm, TagScheme } from "../tag/branchTag.js"
import { branchTag } from "../tag/branchTag.js"
import { InputError } from "../problems.js"
import { ownerOfTag } from "../reference/imagePlace.js"
import type { HeldManifest, HeldRepository, TaggedImage } from "./inventory.js"
import { referrersSubject, tagKindOf } from "../tag/tagKind.js"

/** What decides which tags are needed. */
export interface PruneRules {
  /** Further tags by image. */
  readonly furtherTags: ReadonlyMap<string, readonly FurtherTag[]>
  readonly scheme: TagScheme
  /** Branches that exist; a text tells why they are not known, and then every branch's tag is kept. */
  readonly branches: readonly string[] | string
  /** Tags that are kept whatever they are. */
  readonly keep: readonly string[]
  /** Seconds: what is younger is kept. */
  readonly olderThanSeconds: number
  /** Milliseconds since 1970. */
  readonly now: number
}

/** Why a digest is kept, by what the reasons have in common. */
export type KeptBecause =
  | "stable"
  | "journal"
  | "branch"
  | "further"
  | "asked"
  | "foreign"
  | "young"
  | "undated"
  | "part"
  | "promoted"
  | "referrer"

/** What becomes of one digest of a repository. */
export interface PruneEntry {
  /** Its image; where no tag tells which of those in the repository, all of them. */
  readonly image: string
  /** `host/path` */
  readonly repository: string
  readonly digest: string
  /** All tags that name it: they go with it. */
  readonly tags: readonly string[]
  /** When it was made, milliseconds since 1970. */
  readonly created?: number
  /** Absent where it is not needed. */
  readonly kept?: { readonly because: KeptBecause; readonly why: string }
}

/** What would be deleted, and what stays. */
export interface PrunePlan {
  /** In the order in which they are deleted: an index before what it lists, a subject before what refers to it. */
  readonly unneeded: readonly PruneEntry[]
  readonly kept: readonly PruneEntry[]
  /** What to know about it, in sentences. */
  readonly notices: readonly string[]
}

/**
 * Decides what no tag that counts leads to. The unit is the digest, because a registry that deletes a manifest deletes
 * all of its tags: it goes only where each of them may.
 */
export function planPrune(held: readonly HeldRepository[], rules: PruneRules): PrunePlan {
  const graph = new DigestGraph(held)
  const kept = new Map<string, NonNullable<PruneEntry["kept"]>>()
  const waiting = rootsOf(held, rules)
  for (const [key, reason] of waiting) {
    if (kept.has(key)) continue
    kept.set(key, reason)
    waiting.push(...graph.needs(key))
  }
  const entries = graph.keys.map((key) => ({ key, entry: entryOf(graph, key, kept.get(key), rules.scheme) }))
  const gone = new Set(entries.flatMap(({ key, entry }) => (entry.kept === undefined ? [key] : [])))
  const byKey = new Map(entries.map(({ key, entry }) => [key, entry]))
  return {
    unneeded: graph.inOrder(gone).flatMap((key) => byKey.get(key) ?? []),
    kept: entries.flatMap(({ entry }) => (entry.kept === undefined ? [] : [entry])),
    notices: noticesOf(rules),
  }
}

type Reasoned = [key: string, reason: NonNullable<PruneEntry["kept"]>]

/** What is kept for its own sake. */
function rootsOf(held: readonly HeldRepository[], rules: PruneRules): Reasoned[] {
  const allTags = new Set(
    held.flatMap(({ images, tags }) => [...tags.keys()].map((tag) => setTag(images, tag))),
  )
  const live = liveBranchTags(allTags, rules)
  return held.flatMap((repository) => {
    const lone = [...repository.lone].map((digest): Reasoned => [
      keyOf(repository, digest),
      { because: "foreign", why: "no tag of this pipeline leads to it" },
    ])
    const tagged = [...repository.tags].flatMap(([tag, digest]): Reasoned[] => {
      const { images, manifests } = repository
      const further = rules.furtherTags.get(ownerOfTag(images, tag)?.name ?? "") ?? []
      const facts = { allTags, live, rules, further }
      const reason = reasonOfTag(tag, setTag(images, tag), manifests.get(digest), facts)
      return reason === undefined ? [] : [[keyOf(repository, digest), reason]]
    })
    return [...tagged, ...lone]
  })
}

/** A tag without what tells its image from others of the repository: what a run or a promotion calls it. */
function setTag(images: readonly TaggedImage[], tag: string): string {
  return tag.slice(ownerOfTag(images, tag)?.tagPrefix?.length ?? 0)
}

/** What the reason of a tag is looked up in. */
interface TagFacts {
  /** As runs and promotions call them. */
  readonly allTags: ReadonlySet<string>
  /** Branch by its tag; absent where the branches are not known. */
  readonly live: ReadonlyMap<string, string> | undefined
  readonly rules: PruneRules
  /** Those of the image that the tag belongs to. */
  readonly further: readonly FurtherTag[]
}

/** @param name the tag as runs and promotions call it */
function reasonOfTag(
  tag: string,
  name: string,
  manifest: HeldManifest | undefined,
  { allTags, live, rules, further }: TagFacts,
): PruneEntry["kept"] {
  const kind = tagKindOf(name, rules.scheme.form)
  const asked = [tag, name].find((each) => rules.keep.includes(each))
  if (asked !== undefined) return { because: "asked", why: `--keep=${asked}` }
  switch (kind.kind) {
    case "referrers":
      // It lives as long as what it speaks of.
      return undefined
    case "stable":
      return { because: "stable", why: tag }
    case "other": {
      const given = further.find((each) => isGivenBy(each, name))
      if (given !== undefined)
        return isOfOneRun(given) ? reasonOfAge(manifest, rules) : { because: "further", why: given.template }
      return { because: "foreign", why: `${tag} is no tag of this pipeline` }
    }
    case "journal":
      if (allTags.has(kind.of)) return { because: "journal", why: `the journal of ${kind.of}` }
      return reasonOfAge(manifest, rules)
    case "branch":
      if (live === undefined) return { because: "branch", why: `${tag}: the branches are not known` }
      if (live.has(name)) return { because: "branch", why: `the branch ${live.get(name) ?? ""}` }
      return reasonOfAge(manifest, rules)
    case "memory":
      return reasonOfAge(manifest, rules)
  }
}

function reasonOfAge(
  manifest: HeldManifest | undefined,
  { now, olderThanSeconds }: PruneRules,
): PruneEntry["kept"] {
  if (manifest?.created === undefined) return { because: "undated", why: "nothing tells how old it is" }
  const seconds = (now - manifest.created) / 1000
  return seconds > olderThanSeconds ? undefined : { because: "young", why: "it is younger" }
}

/** The tags of branches that exist, for each quarter that has tags. */
function liveBranchTags(
  allTags: ReadonlySet<string>,
  { branches, scheme }: PruneRules,
): ReadonlyMap<string, string> | undefined {
  if (typeof branches === "string") return undefined
  const kinds = [...allTags].map((tag) => tagKindOf(tag, scheme.form))
  const prefixes = new Set(kinds.flatMap((kind) => (kind.kind === "branch" ? [kind.prefix] : [])))
  const pairs = [...prefixes].flatMap((prefix) =>
    [scheme.mainBranch, ...branches].flatMap((branch) => {
      const tag = branchTagOrNone({ ...scheme, prefix }, branch)
      return tag === undefined ? [] : [[tag, branch] as const]
    }),
  )
  return new Map(pairs)
}

/** Some names give no tag: nothing is published from such a branch. */
function branchTagOrNone(scheme: TagScheme, branch: string): string | undefined {
  try {
    return branchTag(scheme, branch)
  } catch (error) {
    if (error instanceof InputError) return undefined
    throw error
  }
}

function noticesOf({ branches }: PruneRules): readonly string[] {
  return typeof branches === "string" ? [`no branch's tag is taken for unneeded: ${branches}`] : []
}

/** A digest in its repository. */
function keyOf({ repository }: Pick<HeldRepository, "repository">, digest: string): string {
  return `${repository}@${digest}`
}

/** All digests that are known, and what each of them needs. */
class DigestGraph {
  private readonly repositories = new Map<string, HeldRepository>()
  private readonly tagsOf = new Map<string, string[]>()
  private readonly manifestsOf = new Map<string, HeldManifest>()
  /** By the key of a subject: keys of what refers to it. */
  private readonly referrers = new Map<string, string[]>()
  readonly keys: readonly string[]

  constructor(held: readonly HeldRepository[]) {
    for (const repository of held) this.add(repository)
    const digests = held.flatMap((repository) =>
      [...repository.manifests.values()].flatMap(({ digest, children }) =>
        [digest, ...children].map((each) => keyOf(repository, each)),
      ),
    )
    this.keys = [...new Set([...this.tagsOf.keys(), ...digests])]
  }

  private add(repository: HeldRepository): void {
    this.repositories.set(repository.repository, repository)
    for (const manifest of repository.manifests.values())
      this.manifestsOf.set(keyOf(repository, manifest.digest), manifest)
    for (const [tag, digest] of repository.tags) {
      const key = keyOf(repository, digest)
      push(this.tagsOf, key, tag)
      const subject = referrersSubject(tag)
      if (subject !== undefined) push(this.referrers, keyOf(repository, subject), key)
    }
  }

  repositoryOf(key: string): HeldRepository | undefined {
    return this.repositories.get(key.slice(0, key.lastIndexOf("@")))
  }

  tags(key: string): readonly string[] {
    return (this.tagsOf.get(key) ?? []).toSorted()
  }

  manifest(key: string): HeldManifest | undefined {
    return this.manifestsOf.get(key)
  }

  /** What must stay for as long as this digest stays, with why. */
  needs(key: string): readonly Reasoned[] {
    const parts = this.parts(key).map((each): Reasoned => [
      each,
      { because: "part", why: "an index that stays lists it" },
    ])
    const named = (this.manifest(key)?.named ?? []).map((each): Reasoned => [
      each,
      { because: "promoted", why: "a promotion's journal names it" },
    ])
    const about = (this.referrers.get(key) ?? []).map((each): Reasoned => [
      each,
      { because: "referrer", why: "it speaks of an image that stays" },
    ])
    return [...parts, ...named, ...about]
  }

  private parts(key: string): readonly string[] {
    const repository = this.repositoryOf(key)
    const children = this.manifest(key)?.children ?? []
    return repository === undefined ? [] : children.map((digest) => keyOf(repository, digest))
  }

  /** These keys, each before what it lists and what speaks of it. */
  inOrder(keys: ReadonlySet<string>): readonly string[] {
    const done = new Set<string>()
    const ordered: string[] = []
    const visit = (key: string): void => {
      if (done.has(key) || !keys.has(key)) return
      done.add(key)
      const later = [...this.parts(key), ...(this.referrers.get(key) ?? [])]
      for (const each of later.reverse()) visit(each)
      ordered.push(key)
    }
    for (const key of [...keys].reverse()) visit(key)
    return ordered.reverse()
  }
}

function push(map: Map<string, string[]>, key: string, value: string): void {
  const values = map.get(key)
  if (values === undefined) map.set(key, [value])
  else values.push(value)
}

/** The names of a digest's images in the spec, as far as its tags tell. */
function imageOf(images: readonly TaggedImage[], tags: readonly string[], form: TagForm): string {
  const named = tags.filter((tag) => ["stable", "branch"].includes(tagKindOf(setTag(images, tag), form).kind))
  const owners = images.filter((image) => named.some((tag) => ownerOfTag(images, tag) === image))
  return (owners.length > 0 ? owners : images).map(({ name }) => name).join(", ")
}

function entryOf(graph: DigestGraph, key: string, kept: PruneEntry["kept"], { form }: TagScheme): PruneEntry {
  const created = graph.manifest(key)?.created
  const repository = key.slice(0, key.lastIndexOf("@"))
  return {
    image: imageOf(graph.repositoryOf(key)?.images ?? [], graph.tags(key), form),
    repository,
    digest: key.slice(key.lastIndexOf("@") + 1),
    tags: graph.tags(key),
    ...(created !== undefined && { created }),
    ...(kept !== undefined && { kept }),
  }
}
