import { longestTag } from "../tag/branchTag.js"
import type { RenderedLine } from "./render.js"

/** A FROM with a digest: what stands before its tag, the tag, and the rest. */
const pinnedFrom = /^(FROM (?:--platform=\S+ )?\S+?)(?::([\w.-]+))?(@sha256:[0-9a-f]{64} AS )/

/**
 * A FROM as a step of no other build, by the image that is built: with a digest the tag decides nothing. What is behind a
 * step that two builds share, and that was executed in this session, the engine's solver does not find (docs/dead-ends.md).
 */
export function toldApart(line: RenderedLine, built: string): RenderedLine {
  if (line.isFrom !== true) return line
  const text = line.text.replace(pinnedFrom, (_, start: string, tag: string | undefined, end: string) => {
    const words = [...(tag === undefined ? [] : [tag]), "for", built.replaceAll(/[^\w.-]/g, "-")]
    return `${start}:${words.join(".").slice(0, longestTag)}${end}`
  })
  return { ...line, text }
}
