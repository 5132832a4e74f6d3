/**
 * Names of labels and annotations. `org.opencontainers.image.*` are those of the OCI image specification ("Pre-Defined
 * Annotation Keys"); the others are this pipeline's own.
 */
export const labels = {
  /** URL of the source repository. */
  source: "org.opencontainers.image.source",
  /** Commit that the image was built from. */
  revision: "org.opencontainers.image.revision",
  version: "org.opencontainers.image.version",
  /** Time of that commit, RFC 3339. */
  created: "org.opencontainers.image.created",
  title: "org.opencontainers.image.title",
  /** Reference of the image that it is built on. */
  baseName: "org.opencontainers.image.base.name",
  baseDigest: "org.opencontainers.image.base.digest",
  /** Hash over all that can change the image. */
  inputKey: "io.github.jupyter-stack.input-key",
  /** Hash over all that can change its tests' verdict. */
  testKey: "io.github.jupyter-stack.test-key",
  /** What commands printed in the image, for its further tags: JSON of texts by command. */
  tagAnswers: "io.github.jupyter-stack.tag-answers",
  /** Since when the packages of an image with `max_age` are as they are: the word of `plan/freshness.ts`. */
  fresh: "io.github.jupyter-stack.fresh",
  /** Updates of its packages that were known when it was built, as short hashes with spaces between. */
  knownUpdates: "io.github.jupyter-stack.known-updates",
  /** Journal of a promotion, as JSON; on the index under the tag `journal-<tag>`. */
  promotion: "io.github.jupyter-stack.promotion",
} as const
