import { labels } from "./labels.js"

/** What the labels of an image tell. */
export interface LabelFacts {
  readonly title: string
  /** The run's tag. */
  readonly version: string
  readonly inputKey: string
  readonly testKey: string
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
export function imageLabelsOf({ base, ...facts }: LabelFacts): ReadonlyMap<string, string> {
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
  ] as const
  return new Map(written.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])))
}
