import { linkStack } from "../../dagger/lib/dockerfile/link.js"
import type { TagStore } from "../../dagger/lib/registry/moveTag.js"
import type { BuildJob, Execution, ImageJob } from "../../dagger/lib/run/execution.js"
import { loadSpec } from "../../dagger/lib/spec/loadSpec.js"
import { stackOf } from "./source.js"
import { quarterScheme } from "./tagScheme.js"

/** Digest of what `jobOf` takes for published. */
export const publishedDigest = `sha256:${"d".repeat(64)}`

/** Nothing: a build of it cannot even be asked for. */
const tree = stackOf({ a: { files: { Dockerfile: "FROM scratch" } } })
const linked = linkStack({ spec: loadSpec(tree), tree, images: [] })

/** A run of no commit that tags all together, on an engine that is away and a registry whose images nobody can ask. */
export function executionFor(jobs: readonly ImageJob[], more: Partial<Execution> = {}): Execution {
  return {
    linked,
    copy: { folder: "none" },
    imagesDirectory: "images",
    writtenUsers: () => [],
    jobs,
    tag: "2026.4-main",
    tagFacts: { scheme: quarterScheme, startedAt: Date.UTC(2026, 10, 27, 23, 59) },
    askPublished: (_, commands) => {
      const failed = { kind: "failed", why: "it cannot be asked" } as const
      return Promise.resolve(new Map([...commands.keys()].map((key) => [key, failed])))
    },
    publishing: "together",
    limits: { spec: { timeoutSeconds: 5, imageTimeoutSeconds: 5 }, filter: "" },
    parallel: 2,
    runId: "run",
    platform: "linux/amd64",
    tests: "full",
    secrets: { values: new Map() },
    purpose: "pages",
    ...more,
  }
}

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
    isPublished: true,
    furtherTags: [],
    tagCommands: nothing,
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
