import type { BuildJob, ImageJob } from "../../dagger/src/run/execution.js"
import type { TagStore } from "../../dagger/src/registry/moveTag.js"

/** Digest of what `jobOf` takes for published. */
export const publishedDigest = `sha256:${"d".repeat(64)}`

const nothing = new Map<string, string>()

/** A job of a run whose engine is away. */
export function jobOf(
  name: string,
  action: ImageJob["action"],
  more: Partial<BuildJob> = {},
  digest = publishedDigest,
): ImageJob {
  const any = {
    name,
    parents: [],
    reasons: ["a test"],
    inputKey: "i".repeat(64),
    testKey: "t".repeat(64),
    folderKeys: nothing,
    repository: { registry: "ghcr.io", path: `example/${name}` },
    folders: { basic: [], integration: [], serverUntested: false },
    probes: [],
    notices: [],
    ...more,
  }
  const published = { ...any.repository, digest }
  switch (action) {
    case "build":
      return { ...any, action, target: name, builderArgs: nothing, labels: nothing, foreignLabels: [] }
    case "retest":
      return { ...any, action, published, hasSameContent: true }
    case "retag":
    case "reuse":
      return { ...any, action, published }
    case "skip":
      return { ...any, action }
  }
}

/** Tags in memory, by `path:tag`; a registry that refuses some. */
export function memoryTags(tags = new Map<string, string>(), refused = ""): TagStore {
  return {
    write: (repository, digest, tag) => {
      if (repository.path === refused) return Promise.reject(new Error("403 denied"))
      tags.set(`${repository.path}:${tag}`, digest)
      return Promise.resolve()
    },
    read: (repository, tag) => Promise.resolve(tags.get(`${repository.path}:${tag}`)),
  }
}
