/** What the labels of an image tell. */
export interface ImageKeyLabels {
  readonly title: string
  /** The run's tag. */
  readonly version: string
  readonly inputKey: string
  readonly testKey: string
  /** URL of the source repository. */
  readonly source?: string
  /** Commit. */
  readonly revision?: string
  /** RFC 3339: the commit's time, so that the same commit gives the same image. */
  readonly created?: string
  readonly base?: { readonly reference: string; readonly digest?: string | undefined }
}

/** Labels of this pipeline; the planner reads them back from the registry. */
export const inputKeyLabel = "io.github.jupyter-stack.input-key"
export const testKeyLabel = "io.github.jupyter-stack.test-key"

/** Labels and annotations of an image: the predefined keys of the OCI image specification ("annotations.md"), and ours. */
export function imageLabels(facts: ImageKeyLabels): ReadonlyMap<string, string> {
  const { base } = facts
  const oci = {
    title: facts.title,
    version: facts.version,
    source: facts.source,
    revision: facts.revision,
    created: facts.created,
    "base.name": base?.reference,
    "base.digest": base?.digest,
  }
  const labels = Object.entries(oci).flatMap(([key, value]) =>
    value === undefined ? [] : [[`org.opencontainers.image.${key}`, value] as const],
  )
  return new Map([...labels, [inputKeyLabel, facts.inputKey], [testKeyLabel, facts.testKey]])
}
