import { pageName } from "../manifest/pageName.js"
import type { ImageReference } from "../reference/reference.js"

/** The files of a wiki as they are now; read when asked for, as a large wiki has thousands. */
export interface WikiFiles {
  readonly paths: readonly string[]
  /** Text of a file, or undefined where there is none. */
  text(path: string): string | undefined
}

/** Path of the machine-readable index: the truth that `Home.md` and `Stable_Tag.md` are rendered from. */
export const indexPath = "data/wiki.json"

/** Path of the page that an image's manifest is shown on. */
export function pagePath(reference: ImageReference): string {
  return `${pageName(reference)}.md`
}

/** Path of an image's manifest, the truth that its page is rendered from. */
export function manifestPath(reference: ImageReference): string {
  return `${manifestFolder}${pageName(reference)}.json`
}

/** Path of the picture of an image's trend; from the root, where all pages lie, also its address on them. */
export function trendPath(reference: ImageReference): string {
  return `trends/${pageName(reference)}.svg`
}

/** Path of the picture on the page that the wiki opens with: no image's, whose names all have a hyphen. */
export const homeTrendPath = "trends/Home.svg"

/** Paths of the manifests of all of a repository's tags; others may begin alike, so look at what they name. */
export function manifestPathsOf(files: WikiFiles, reference: ImageReference): readonly string[] {
  const { registry, path } = reference
  const prefix = manifestPath({ registry, path, tag: "0" }).replace(/0\.json$/, "")
  return files.paths.filter((each) => each.startsWith(prefix) && each.endsWith(".json"))
}

const manifestFolder = "data/manifests/"

/** Files with changes on top, seen as files. */
export class WikiDraft implements WikiFiles {
  readonly #base: WikiFiles
  readonly #written = new Map<string, string>()

  constructor(base: WikiFiles) {
    this.#base = base
  }

  get paths(): readonly string[] {
    return [...new Set([...this.#base.paths, ...this.#written.keys()])]
  }

  text(path: string): string | undefined {
    return this.#written.get(path) ?? this.#base.text(path)
  }

  write(path: string, text: string): void {
    this.#written.set(path, text)
  }

  /** What differs from the files it started with, by path. */
  changes(): ReadonlyMap<string, string> {
    return new Map([...this.#written].filter(([path, text]) => this.#base.text(path) !== text))
  }
}

/** Files held in memory. */
export function wikiFilesOf(texts: ReadonlyMap<string, string>): WikiFiles {
  return { paths: [...texts.keys()], text: (path) => texts.get(path) }
}
