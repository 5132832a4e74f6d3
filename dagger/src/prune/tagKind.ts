import { isMemoryTag } from "../plan/facts.js"
import { globalStable, stableTagOf } from "../promote/tags.js"

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

const branchForm = /^(\d{4}\.[1-4])-./
/** OCI distribution specification, "Referrers Tag Schema"; cosign's names of signatures, attestations and SBOMs. */
const referrersForm = /^sha256-([0-9a-f]{64})(?:\.[a-z]{1,10})?$/

/** What a tag is for, by its form. */
export function tagKindOf(tag: string): TagKind {
  const [, subject] = referrersForm.exec(tag) ?? []
  if (subject !== undefined) return { kind: "referrers", subject: `sha256:${subject}` }
  if (isMemoryTag(tag)) return { kind: "memory" }
  const journal = /^journal-(.+)$/.exec(tag)?.[1]
  if (journal !== undefined && isStable(journal)) return { kind: "journal", of: journal }
  if (isStable(tag)) return { kind: "stable" }
  const [, prefix] = branchForm.exec(tag) ?? []
  return prefix === undefined ? { kind: "other" } : { kind: "branch", prefix }
}

function isStable(tag: string): boolean {
  const [, prefix] = branchForm.exec(tag) ?? []
  return tag === globalStable || (prefix !== undefined && tag === stableTagOf(prefix))
}
