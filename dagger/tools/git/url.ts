/** A remote's URL without user, password, query and fragment; a path or `host:path` stays, without its user. */
export function withoutCredentials(url: string): string {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(url)) return url.replace(/^[^/@]*@/, "")
  try {
    const parsed = new URL(url)
    parsed.username = ""
    parsed.password = ""
    parsed.search = ""
    parsed.hash = ""
    return parsed.href
  } catch {
    // Not a URL after all, so where a password would stand is unknown.
    return url.replace(/\/\/.*@/, "//")
  }
}
