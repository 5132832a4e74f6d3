import { codeCell, table } from "../text/markdown.js"
import { shortDigest } from "../text/format.js"
import { pageLink } from "./homeRow.js"
import type { WikiLinks } from "./homeRow.js"
import type { GlobalStable } from "./wikiIndex.js"

/** Page of the images that production uses now. */
export const stableTagPath = "Stable_Tag.md"

/** `Stable_Tag.md`: what the tag `stable` names, one image a row, and since when. */
export function renderStableTag({ at, images }: GlobalStable, links: WikiLinks): string {
  const rows = images.map(({ reference, from, digest }) => [
    codeCell(reference),
    codeCell(from),
    pageLink(reference, links),
    codeCell(shortDigest(digest)),
  ])
  const since = `In production since ${at.slice(0, 10)}.`
  return `${table(["Global-Stable Image", "Based On", "Manifest", "Digest"], rows)}\n\n${since}\n`
}

/** The new state; where the same images are stable already the time stays, so that a re-run changes nothing. */
export function nextStable(current: GlobalStable | undefined, next: GlobalStable): GlobalStable {
  return JSON.stringify(current?.images) === JSON.stringify(next.images) && current !== undefined
    ? current
    : next
}
