import { pathToFileURL } from "node:url"
import { resolve } from "node:path"
import { mayHearSecretInClear } from "../../lib/text/clearHost.js"
import { WikiFailure } from "./failure.js"

/** Where a wiki's repository is. */
export interface WikiAddress {
  /** URL for git, without a login. */
  readonly url: string
  /** Scheme and host that a token may be sent to; undefined for a local repository. */
  readonly origin?: string
  /** URL of the repository that the wiki belongs to. */
  readonly repository?: string
}

/**
 * Reads the address of a wiki: an http(s) or file URL, or a local path.
 * @throws WikiFailure for other protocols, for a login in the URL, for a token over plain HTTP to a public host
 */
export function wikiAddress(url: string, hasToken: boolean): WikiAddress {
  if (!/^[a-z+]+:\/\//i.test(url)) {
    if (/^[^/]+@[^/]+:/.test(url)) throw refused(`"${url}" is an ssh address: give the https one`)
    return { url: pathToFileURL(resolve(url)).href }
  }
  const parsed = parsedUrl(url)
  if (parsed.protocol === "file:") return { url }
  if (parsed.protocol !== "http:" && parsed.protocol !== "https:") {
    throw refused(
      `the wiki's address has the protocol "${parsed.protocol}": http, https and file are accepted`,
    )
  }
  if (parsed.username !== "" || parsed.password !== "") {
    throw refused(
      `the address of the wiki on ${parsed.host} contains a login: give the token as a secret instead`,
    )
  }
  if (hasToken && parsed.protocol === "http:" && !mayHearSecretInClear(parsed.hostname)) {
    throw refused(`${url} would send the token readable over the network: use https`)
  }
  const repository = repositoryOf(parsed)
  return { url, origin: parsed.origin, ...(repository !== undefined && { repository }) }
}

function parsedUrl(url: string): URL {
  try {
    return new URL(url)
  } catch {
    // A login with a slash in it is not a URL any more; the text is not repeated, as it may hold a token.
    throw refused(
      url.includes("@")
        ? "the wiki's address contains a login: give the token as a secret instead"
        : `the wiki's address "${url}" is not a URL`,
    )
  }
}

/** `https://github.com/org/repo.wiki.git` belongs to `https://github.com/org/repo`; GitHub and Gitea name wikis so. */
function repositoryOf({ origin, pathname }: URL): string | undefined {
  const match = /^(\/.+)\.wiki(?:\.git)?\/?$/.exec(pathname)
  return match === null ? undefined : `${origin}${match[1] ?? ""}`
}

function refused(message: string): WikiFailure {
  return new WikiFailure("bad-job", message)
}
