import { classifyChanges } from "../dagger/src/plan/changes.js"
import type { ImageFacts } from "../dagger/src/plan/facts.js"
import { hashOf, inputKeys } from "../dagger/src/plan/inputKey.js"
import type { LinkedInputs } from "../dagger/src/plan/inputKey.js"
import { noGitFacts } from "../dagger/src/git/gitFacts.js"
import { planMarkdown } from "../dagger/src/plan/markdown.js"
import { planStack } from "../dagger/src/plan/plan.js"
import { readPlan } from "../dagger/src/plan/planDocument.js"

/**
 * Times the plan of a generated stack, step by step: `tsx bench/plan.ts [images] [files of each]`. Fails above the
 * limit, so that it can stand in a pipeline.
 */
const limitMilliseconds = 2000

interface Size {
  readonly images: number
  readonly files: number
}

/** Chains of up to thirty images below each other, which is deeper than anybody builds, and wide beside that. */
function generate({ images, files }: Size): ReadonlyMap<string, LinkedInputs> {
  const rows = Array.from({ length: images }, (_, index): readonly [string, LinkedInputs] => {
    const name = nameOf(index)
    const parents = index === 0 ? [] : [index % 30 === 0 ? nameOf(0) : nameOf(index - 1)]
    const stages = `FROM x AS ${name}\n${"RUN install --everything\n".repeat(100)}`
    const contextFiles = Array.from({ length: files }, (__, file) => ({
      path: `images/${name}/scripts/file-${file}.sh`,
      kind: "file" as const,
      mode: 0o644,
      sha256: hashOf([index, file]),
    }))
    return [name, { stages, contextFiles, bases: [], parents }]
  })
  return new Map(rows)
}

function nameOf(index: number): string {
  return `image-${index}`
}

function run(size: Size): boolean {
  const linked = generate(size)
  const names = [...linked.keys()]
  const keys = timed("input keys", () => inputKeys(linked, { platform: "linux/amd64" }))
  const files = names.map((name) => ({
    path: `images/${name}/scripts/file-0.sh`,
    status: "modified" as const,
    committed: true,
  }))
  const changes = timed("changes", () =>
    classifyChanges(
      {
        imagesDirectory: "images",
        specPath: "spec.yml",
        rules: { ignore: ["README.md"], buildAll: ["conftest.py"] },
        images: names.map((name) => ({ name, directory: `images/${name}` })),
      },
      files,
    ),
  )
  const images = [...linked].map(([name, { parents }]): ImageFacts => {
    const inputKey = keys.get(name)?.inputKey ?? ""
    const tag = "2026.4-main"
    // Every other image is published, so that all kinds of decisions are made.
    const published = { tag, digest: `sha256:${inputKey}`, inputKey, testKey: "" }
    const otherTags = name.endsWith("1") ? [] : [published]
    const registry = { kind: "known" as const, otherTags }
    const repository = `ghcr.io/example/${name}`
    return { name, repository, parents, inputKey, testKey: "", unresolvedBases: [], bases: [], registry }
  })
  const git = noGitFacts("not-a-repository", "generated")
  const options = {
    branch: "bench",
    tag: "2026.4-bench",
    platform: "linux/amd64",
    publish: true,
    fullRebuild: false,
    only: [],
    mainBranch: "main",
  }
  const plan = timed("plan", () => planStack({ images, specPath: "spec.yml", git, changes, options }))
  timed("markdown", () => planMarkdown(plan))
  timed("write and read", () => readPlan(JSON.stringify(plan)))
  return report(size)
}

const rows: { readonly step: string; readonly milliseconds: number }[] = []

function timed<T>(step: string, work: () => T): T {
  const start = performance.now()
  const result = work()
  rows.push({ step, milliseconds: performance.now() - start })
  return result
}

function report({ images, files }: Size): boolean {
  const total = rows.reduce((sum, { milliseconds }) => sum + milliseconds, 0)
  console.log(`${images} images, ${files} files each, limit ${limitMilliseconds} ms`)
  for (const { step, milliseconds } of [...rows, { step: "total", milliseconds: total }]) {
    console.log(`${step.padEnd(16)} ${milliseconds.toFixed(1).padStart(8)} ms`)
  }
  return total <= limitMilliseconds
}

const [images = 300, files = 100] = process.argv.slice(2).map(Number)
if (!run({ images, files })) process.exitCode = 1
