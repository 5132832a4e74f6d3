/** How a registry asks to log in (`WWW-Authenticate`). */
export type Challenge =
  | { readonly kind: "basic" }
  /** Distribution's "Token Authentication Specification". */
  | { readonly kind: "bearer"; readonly realm: string; readonly service?: string }

/**
 * Reads a WWW-Authenticate header, which may hold several challenges (RFC 9110, section 11.6.1); Bearer is preferred.
 * Undefined where it holds neither Bearer with a realm nor Basic.
 */
export function parseChallenge(header: string | null): Challenge | undefined {
  const challenges = splitChallenges(header ?? "")
  const bearer = challenges.find(({ scheme, parameters }) => scheme === "bearer" && parameters.has("realm"))
  const realm = bearer?.parameters.get("realm")
  if (bearer !== undefined && realm !== undefined) {
    const service = bearer.parameters.get("service")
    return { kind: "bearer", realm, ...(service !== undefined && { service }) }
  }
  return challenges.some(({ scheme }) => scheme === "basic") ? { kind: "basic" } : undefined
}

interface RawChallenge {
  readonly scheme: string
  readonly parameters: Map<string, string>
}

/** A scheme is a word that no "=" follows; parameters belong to the scheme before them. */
function splitChallenges(header: string): readonly RawChallenge[] {
  const token = /([A-Za-z0-9!#$%&'*+.^_`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?/g
  const found: RawChallenge[] = []
  for (const [, word = "", quoted, plain] of header.matchAll(token)) {
    const value = quoted?.replaceAll(/\\(.)/g, "$1") ?? plain
    if (value === undefined) found.push({ scheme: word.toLowerCase(), parameters: new Map() })
    else found.at(-1)?.parameters.set(word.toLowerCase(), value)
  }
  return found
}
