import type { Directory } from "@dagger.io/dagger"

/** What a function that acts outside has to tell. */
export interface ActionOutcome {
  readonly ok: boolean
  /** report.json besides `ok`. */
  readonly report: object
  readonly markdown: string
  /** Further files of the artifacts by path. */
  readonly files?: ReadonlyMap<string, string>
  /** Folders of the artifacts by path. */
  readonly folders?: ReadonlyMap<string, Directory>
}
