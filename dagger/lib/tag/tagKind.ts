import { isMemoryTag } from "../plan/facts.js"
import { globalStable, isTagStart, splitTag, stableTagOf } from "../promote/tags.js"
import type { TagForm } from "./branchTag.js"

/** What a tag of a repository is for. */
export type TagKind =
  /** `stable`, `2026.4-stable`. */
  | { readonly kind: "stable" }
  /** `journal-2026.4-stable`: the journal of the promotions to a tag. */
  | { readonly kind: "journal"; readonly of: string }
  /** `2026.4-main`. */
  | { readonly kind: "branch"; readonly prefix: string }
  /** What runs remember: `candidate-...`, `passed-...` and `folder-passed-...`. */
  | { readonly kind: "memory" }
  /** `sha256-<hex>`: what refers to a digest, on registries without the referrers API; cosign adds `.sig` and others. */
  | { readonly kind: "referrers"; readonly subject: string }
  /** Somebody else's. */
  | { readonly kind: "other" }

/** OCI distribution specification, "Referrers Tag Schema"; cosign's names of signatures, attestations and SBOMs. */
const referrersForm = /^sha256-([0-9a-f]{64})(?:\.[a-z]{1,10})?$/

/** What a tag is for. @param form of the stack's tags */
export function tagKindOf(tag: string, form: TagForm): TagKind {
  const subject = referrersSubject(tag)
  if (subject !== undefined) return { kind: "referrers", subject }
  if (isMemoryTag(tag)) return { kind: "memory" }
  const journal = /^journal-(.+)$/.exec(tag)?.[1]
  if (journal !== undefined && isStable(journal, form)) return { kind: "journal", of: journal }
  if (isStable(tag, form)) return { kind: "stable" }
  const { prefix, branch } = splitTag(tag)
  return branch !== "" && isTagStart(form, prefix) ? { kind: "branch", prefix } : { kind: "other" }
}

/** Digest that a tag `sha256-...` speaks of; undefined for others. */
export function referrersSubject(tag: string): string | undefined {
  const [, hex] = referrersForm.exec(tag) ?? []
  return hex === undefined ? undefined : `sha256:${hex}`
}

function isStable(tag: string, form: TagForm): boolean {
  if (tag === globalStable) return true
  const { prefix } = splitTag(tag)
  if (!isTagStart(form, prefix)) return false
  // Also what was stable before a stack had versions: no branch is tagged so.
  return tag === stableTagOf(prefix, form) || tag === stableTagOf(prefix, "quarter")
}
