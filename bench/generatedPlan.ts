import { linkStack } from "../dagger/lib/dockerfile/link.js"
import { noGitFacts } from "../dagger/lib/git/gitFacts.js"
import { classifyChanges } from "../dagger/lib/plan/changes.js"
import type { ChangedFile } from "../dagger/lib/plan/changes.js"
import type { ImageFacts } from "../dagger/lib/plan/facts.js"
import { inputKeys } from "../dagger/lib/plan/inputKey.js"
import { planMarkdown } from "../dagger/lib/plan/markdown.js"
import { planStack } from "../dagger/lib/plan/plan.js"
import { readPlan } from "../dagger/lib/plan/planDocument.js"
import { testKey } from "../dagger/lib/plan/testKey.js"
import type { SourceTree } from "../dagger/lib/source/sourceTree.js"
import { loadSpec } from "../dagger/lib/spec/loadSpec.js"
import { buildTree } from "../dagger/lib/tree/tree.js"
import type { StackImage } from "../tests/support/source.js"
import { stackOf } from "../tests/support/source.js"

const platform = "linux/amd64"

/** How large a generated stack is. */
export interface Size {
  readonly images: number
  /** Files of each image. */
  readonly files: number
}

/** Chains of up to thirty images on each other, which is deeper than anybody builds, and ten of them side by side. */
function generate({ images, files }: Size): SourceTree {
  const stack: Record<string, StackImage> = {}
  for (let index = 0; index < images; index += 1) {
    const parent = index % 30 === 0 ? 0 : index - 1
    stack[nameOf(index)] = {
      ...(index > 0 && { depend_on: nameOf(parent) }),
      build_args: { VERSION: String(index) },
      files: { Dockerfile: dockerfile(index, parent), ...contextFiles(files) },
    }
  }
  return stackOf(stack)
}

function nameOf(index: number): string {
  return `image-${index}`
}

function dockerfile(index: number, parent: number): string {
  const from = index === 0 ? "debian:13-slim" : `ghcr.io/example/${nameOf(parent)}:\${BASE_TAG}`
  const installs = Array.from({ length: 50 }, (_, line) => `RUN install --everything "$VERSION" ${line}`)
  return [
    "ARG BASE_TAG=latest",
    `FROM ${from}`,
    "ARG VERSION",
    "COPY scripts /opt/scripts/",
    ...installs,
    "",
  ].join("\n")
}

function contextFiles(count: number): Readonly<Record<string, string>> {
  const scripts = Array.from(
    { length: count },
    (_, file) => [`scripts/file-${file}.sh`, String(file)] as const,
  )
  return Object.fromEntries([...scripts, ["test/test_it.py", "def test_it(): pass"]])
}

/** How long one step took. */
export interface Timing {
  /** `link`, or `plan: ` and a part of planning. */
  readonly step: string
  readonly milliseconds: number
}

class Stopwatch {
  readonly timings: Timing[] = []

  time<T>(step: string, work: () => T): T {
    const start = performance.now()
    const result = work()
    this.timings.push({ step, milliseconds: performance.now() - start })
    return result
  }
}

/** Does what a run does before it builds, for a generated stack, and times its steps. */
export function planGenerated(size: Size): readonly Timing[] {
  const watch = new Stopwatch()
  const source = generate(size)
  const spec = watch.time("spec", () => loadSpec(source))
  const tree = watch.time("tree", () => buildTree(spec))
  const names = tree.nodes.map(({ name }) => name)
  const linked = watch.time("link", () => linkStack({ spec, tree: source, images: names, platform }))
  const keys = watch.time("plan: input keys", () => inputKeys(linked.images, { platform }))
  const testKeys = watch.time("plan: test keys", () => {
    const { imagesDirectory } = spec
    return tree.nodes.map(({ name, image }) => {
      const ancestors = tree.ancestors(name).map((node) => node.image.directory)
      return testKey(source, { imagesDirectory, ancestors, judge: "bench", ...image })
    })
  })
  const changed = names.map((name): ChangedFile => {
    return { path: `images/${name}/scripts/file-0.sh`, status: "modified", committed: true }
  })
  const scope = {
    imagesDirectory: spec.imagesDirectory,
    specPath: spec.path,
    rules: { ignore: ["README.md"], buildAll: ["conftest.py"] },
    images: tree.nodes.map(({ name, image: { directory } }) => ({ name, directory })),
  }
  const changes = watch.time("plan: changes", () => classifyChanges(scope, changed))
  const images = names.map((name, index): ImageFacts => {
    const key = keys.get(name) ?? { inputKey: "", unresolvedBases: [] }
    // Every other image is published, so that all kinds of decisions are made.
    const published = { tag: "2026.4-main", digest: "sha256:0", inputKey: key.inputKey }
    return {
      name,
      repository: `ghcr.io/example/${name}`,
      isPublished: true,
      parents: linked.images.get(name)?.parents ?? [],
      ancestors: tree.ancestors(name).map((node) => node.name),
      testKey: testKeys[index] ?? "",
      ...key,
      unresolvedBases: [],
      bases: [],
      registry: { kind: "known", otherTags: index % 2 === 0 ? [] : [published] },
    }
  })
  const git = noGitFacts("not-a-repository", "generated")
  const request = {
    branch: "bench",
    tag: "2026.4-bench",
    mainBranch: "main",
    trustRegistry: true,
    today: "2026-11-27",
    fullRebuild: false,
    only: [],
  }
  const options = { ...request, platform, publish: true }
  const plan = watch.time("plan: decisions", () =>
    planStack({ images, specPath: spec.path, git, changes, options }),
  )
  watch.time("plan: markdown", () => planMarkdown(plan))
  watch.time("plan: write, read", () => readPlan(JSON.stringify(plan)))
  return watch.timings
}
