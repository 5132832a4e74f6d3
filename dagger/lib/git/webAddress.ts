import { trimEnd } from "../text/trim.js"

/**
 * Where people find a repository: `https://github.com/org/repo` for the URL of its remote, however git was told it.
 * Undefined for what is only a path, as its links would lead nowhere.
 */
export function webAddress(remoteUrl: string): string | undefined {
  const bare = trimEnd(remoteUrl.trim(), "/").replace(/\.git$/, "")
  if (/^https?:\/\/[^/]+\/./.test(bare)) return bare
  const ssh = /^ssh:\/\/(?:[^@/]*@)?([^/:]+)(?::\d+)?\/(.+)$/.exec(bare)
  // git's own short form, `git@github.com:org/repo`; one with a single letter is a drive of Windows.
  const short = /^(?:[^@/:]+@)?([^/:@]{2,}):(?!\/\/)\/?(.+)$/.exec(bare)
  const [, host, path] = ssh ?? short ?? []
  return host === undefined || path === undefined ? undefined : `https://${host}/${path}`
}
