import { labels } from "./labels.js"

/** How new the packages of an image are. */
export interface Freshness {
  /** `2026-11-27`, or of a build for updates `2026-11-27-1a2b3c4d`: its RUN instructions have run on this day or later. */
  readonly word: string
  /** Updates that were known when it was built, as short hashes. */
  readonly known: readonly string[]
}

/** What the labels of an image tell. */
export interface LabelFacts {
  readonly title: string
  /** The run's tag. */
  readonly version: string
  readonly inputKey: string
  readonly testKey: string
  readonly fresh?: Freshness | undefined
  /** URL of the source repository. */
  readonly source?: string | undefined
  /** Commit. */
  readonly revision?: string | undefined
  /** RFC 3339: the commit's time, so that the same commit gives the same image. */
  readonly created?: string | undefined
  readonly base?: { readonly reference: string; readonly digest?: string | undefined }
}

/** Labels that a run writes, so that an image has none of them that speaks of its parent. */
const written = Object.values(labels)

/**
 * Labels of this pipeline that an image must not have: it would inherit them from a published parent, whose they are.
 * @param own names that Dockerfiles set
 */
export function foreignLabels(facts: ReadonlyMap<string, string>, own: readonly string[]): readonly string[] {
  return written.filter((name) => !facts.has(name) && !own.includes(name))
}

/** What the index of an image's platforms says of it: nothing by which it would be taken for one of them. */
export function indexAnnotationsOf(
  facts: Omit<LabelFacts, "inputKey" | "testKey" | "base">,
): ReadonlyMap<string, string> {
  const all = imageLabelsOf({ ...facts, inputKey: "", testKey: "" })
  return new Map([...all].filter(([, value]) => value !== ""))
}

/** Labels, and annotations alike, of an image; what is unknown is left out. */
export function imageLabelsOf({ base, fresh, ...facts }: LabelFacts): ReadonlyMap<string, string> {
  const written = [
    [labels.title, facts.title],
    [labels.version, facts.version],
    [labels.source, facts.source],
    [labels.revision, facts.revision],
    [labels.created, facts.created],
    [labels.baseName, base?.reference],
    [labels.baseDigest, base?.digest],
    [labels.inputKey, facts.inputKey],
    [labels.testKey, facts.testKey],
    [labels.fresh, fresh?.word],
    [
      labels.knownUpdates,
      fresh === undefined || fresh.known.length === 0 ? undefined : fresh.known.join(" "),
    ],
  ] as const
  return new Map(written.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])))
}
