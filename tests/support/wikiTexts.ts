import { updateWiki } from "../../dagger/lib/wiki/update.js"
import { wikiFilesOf } from "../../dagger/lib/wiki/wikiFiles.js"
import { digestOf, manifestOf, publicationOf } from "./manifests.js"
import type { WikiChange } from "../../dagger/lib/wiki/change.js"
import type { WikiOptions } from "../../dagger/lib/wiki/update.js"

export type Texts = ReadonlyMap<string, string>

export const empty: Texts = new Map()
export const links = { repository: "https://github.com/example/stack" }

export function apply(texts: Texts, change: WikiChange, options: WikiOptions = links): Texts {
  return new Map([...texts, ...updateWiki(wikiFilesOf(texts), change, options).files])
}

export function rowsOf(texts: Texts, path = "Home.md"): readonly string[] {
  return (texts.get(path) ?? "")
    .split("\n")
    .filter((line) => line.startsWith("|") && !/^\|[ -]*(?:Commit|-)/.test(line))
}

/** A run that built the image anew: its digest tells which commit it is of. */
export function runOf(sha: string): WikiChange {
  return publicationOf(sha, [manifestOf("base", "2026.4-main", { digest: digestOf(sha.slice(0, 1)) })])
}

export function promotion(from: string, to: string, digit = "a", name = "base"): WikiChange {
  const repository = `ghcr.io/example/${name}`
  const images = [{ from: `${repository}:${from}`, to: `${repository}:${to}`, digest: digestOf(digit) }]
  return { kind: "promote", at: "2026-11-01T00:00:00Z", images }
}

export function globalStable(from: string, at = "2026-12-01T00:00:00Z"): WikiChange {
  const image = {
    from: `ghcr.io/example/base:${from}`,
    to: "ghcr.io/example/base:stable",
    digest: digestOf("a"),
  }
  return { kind: "globalStable", at, images: [image] }
}

/** `Home.md` as the old pipeline wrote it: no line break at the end, no data beside it. */
export const oldHome = [
  "Welcome to the datahub-docker-stack wiki!",
  "",
  "| Commit | Image | Manifest |",
  "|--------|-------|----------|",
  "|[`5c83aa3`](https://github.com/o/r/commit/5c83aa3)|`o/base:2023.2-stable`<br>`o/ml:2023.2-stable`|[Link](https://x/a)<br>[Link](https://x/b)|",
  "|[`4a59260`](https://github.com/o/r/commit/4a59260)|`o/base:2023.2-4a59260`|[Link](https://x/c)|",
  "|[`f0891f1`](https://github.com/o/r/commit/f0891f1)|`o/base:2023.2-f0891f1`|[Link](https://x/d)|  ",
  "|[`f0891f1`](https://github.com/o/r/commit/f0891f1)|`o/base:2023.2-f0891f1`|[Link](https://x/d)|",
].join("\n")
