import { createHash } from "node:crypto"
import { noGitFacts } from "../../../dagger/lib/git/gitFacts.js"
import type { ChangedPath, GitFacts } from "../../../dagger/lib/git/gitFacts.js"
import { planMarkdown } from "../../../dagger/lib/plan/markdown.js"
import { changedFiles, classifyChanges, isNamedBy } from "../../../dagger/lib/plan/changes.js"
import type {
  ImageFacts,
  PlanFacts,
  PlanOptions,
  RegistryFacts,
  RegistryImage,
} from "../../../dagger/lib/plan/facts.js"
import { passedTag } from "../../../dagger/lib/plan/facts.js"
import type { ContextFile } from "../../../dagger/lib/plan/inputKey.js"
import { hashOf, inputKeys } from "../../../dagger/lib/plan/inputKey.js"
import { dueImages } from "../../../dagger/lib/plan/freshness.js"
import { planStack } from "../../../dagger/lib/plan/plan.js"
import type { ParentSource, Plan, Published } from "../../../dagger/lib/plan/planDocument.js"
import { parentsIn, publishedIn } from "../../../dagger/lib/plan/planDocument.js"
import type { ChangeRules } from "../../../dagger/lib/spec/spec.js"
import type { PackageUpdate } from "../../../dagger/lib/updates/packageUpdates.js"

/** An image of the world: what it is made from, and numbers that stand for the content of its files. */
export interface WorldImage {
  parents: readonly string[]
  /** Those of its parents that it only takes files from: their tests do not run in it. */
  copies: readonly string[]
  inputs: number
  tests: number
  /** Whether it is published; it is, where nothing is said. */
  isPublished?: boolean
  /** Days. */
  maxAge?: number
}

export type Options = Partial<PlanOptions>

const baseReference = "docker.io/library/debian:13-slim"

/**
 * A stack, its branch and its registry as plain data, on which plans can be carried out: what a run of the pipeline
 * leaves behind without an engine, so that the next plan can be looked at.
 */
export class PlanWorld {
  readonly images: Map<string, WorldImage>
  /** By repository, then tag. */
  readonly registry = new Map<string, Map<string, RegistryImage>>()
  /** Images whose registry does not answer; "*" for all. */
  readonly silent = new Set<string>()
  readonly rules: ChangeRules = { ignore: [], buildAll: ["spec.yml", "tests_common"] }
  baseDigest: string | undefined = digestOf("debian")
  branch = "feature"
  message = "Work"
  commit = 1
  /** Since the branch left main; undefined where git cannot say. */
  changes: ChangedPath[] | undefined = []
  today = "2026-11-27"
  /** What published images say of updates, by image. */
  readonly updates = new Map<string, readonly PackageUpdate[]>()
  dirty: ChangedPath[] = []
  /** Stands for the content of what BuildAll names, in commits. */
  private buildAll = 0
  /** Images built so far: no two builds have the same digest. */
  private builds = 0

  /** @param copies those of an image's parents that it only takes files from */
  constructor(
    parents: Readonly<Record<string, readonly string[]>>,
    copies: Readonly<Record<string, readonly string[]>> = {},
  ) {
    this.images = new Map(
      Object.entries(parents).map(([name, above]) => [
        name,
        { parents: above, copies: copies[name] ?? [], inputs: 0, tests: 0 },
      ]),
    )
  }

  image(name: string): WorldImage {
    const image = this.images.get(name)
    if (image === undefined) throw new Error(`no image ${name}`)
    return image
  }

  editInput(name: string): void {
    this.image(name).inputs += 1
    this.commitChange(`images/${name}/Dockerfile`)
  }

  editTest(name: string): void {
    this.image(name).tests += 1
    this.commitChange(`images/${name}/test/test_${name}.py`)
  }

  commitChange(path: string, status: ChangedPath["status"] = "modified"): void {
    this.commit += 1
    if (isNamedBy(this.rules.buildAll, "images", path)) this.buildAll += 1
    this.changes?.push({ path, status })
  }

  /** Merges the branch, or starts another one: nothing differs from the base any more. */
  startBranch(branch: string): void {
    this.branch = branch
    this.changes = []
  }

  get tag(): string {
    return `2026.4-${this.branch}`
  }

  plan(options: Options = {}): Plan {
    return planStack(this.facts(options))
  }

  /** Plans as a run does, which asks what is due. @returns the names of those that were asked as well */
  planAsking(options: Options = {}): { readonly plan: Plan; readonly asked: readonly string[] } {
    const facts = this.facts(options)
    const due = dueImages(facts, planStack(facts))
    const answers = due.map(({ name, digest }) => {
      const updates = this.updates.get(name) ?? []
      return [name, { digest, updates, failures: [], isAnswered: true }] as const
    })
    return { plan: planStack({ ...facts, answers: new Map(answers) }), asked: due.map(({ name }) => name) }
  }

  facts(options: Options = {}): PlanFacts {
    const images = this.imageFacts()
    const git = this.git()
    const files = changedFiles(git)
    const scope = {
      imagesDirectory: "images",
      specPath: "spec.yml",
      rules: this.rules,
      images: images.map(({ name }) => ({ name, directory: `images/${name}` })),
    }
    return {
      images,
      specPath: "spec.yml",
      git,
      ...(files !== undefined && { changes: classifyChanges(scope, files) }),
      options: {
        branch: this.branch,
        tag: this.tag,
        platform: "linux/amd64",
        publish: true,
        fullRebuild: false,
        only: [],
        mainBranch: "main",
        trustRegistry: true,
        today: this.today,
        ...options,
      },
    }
  }

  /**
   * Carries a plan out: `failing` images are built, but do not pass their tests; of `untested` ones nothing is proved.
   * Tags move together, or with `candidatesOnly` not at all.
   */
  execute(
    plan: Plan,
    failing: ReadonlySet<string> = new Set(),
    candidatesOnly = false,
    untested: ReadonlySet<string> = new Set(),
  ): void {
    const moves: (() => void)[] = []
    const failed = new Set<string>()
    for (const step of plan.steps) {
      const tags = this.tagsOf(step.image)
      const stopped = parentsIn(step).some((parent) => failed.has(parent.image))
      if (stopped || failing.has(step.image)) failed.add(step.image)
      if (stopped || step.action === "skip" || step.action === "reuse") continue
      const image = step.action === "build" ? this.build(step) : tags.get(publishedIn(step)?.tag ?? "")
      if (image === undefined) throw new Error(`${step.image} has nothing published to ${step.action}`)
      if (failing.has(step.image)) continue
      if (step.publish === false) continue
      if (!untested.has(step.image)) tags.set(passedTag(step.inputKey, step.testKey), image)
      moves.push(() => tags.set(plan.tag, { ...image, tag: plan.tag }))
    }
    if (failed.size === 0 && !candidatesOnly) for (const move of moves) move()
  }

  private build(step: Plan["steps"][number]): RegistryImage {
    this.builds += 1
    const built: RegistryImage = {
      tag: candidateTag(step.inputKey),
      digest: digestOf(`build ${this.builds}`),
      inputKey: step.inputKey,
      testKey: step.testKey,
      revision: this.sha(),
      baseName: baseReference,
      baseDigest: this.baseDigest,
      ...(step.action === "build" &&
        step.fresh && { fresh: step.fresh.word, knownUpdates: step.fresh.known.join(" ") }),
    }
    this.tagsOf(step.image).set(built.tag, built)
    return built
  }

  private tagsOf(name: string): Map<string, RegistryImage> {
    const tags = this.registry.get(name) ?? new Map<string, RegistryImage>()
    this.registry.set(name, tags)
    return tags
  }

  private imageFacts(): ImageFacts[] {
    const bases = (image: WorldImage) =>
      image.parents.length === 0 ? [{ reference: baseReference, digest: this.baseDigest }] : []
    const linked = [...this.images].map(
      ([name, image]) =>
        [
          name,
          {
            stages: `${name} ${image.inputs}`,
            contextFiles: [],
            bases: bases(image),
            parents: image.parents,
          },
        ] as const,
    )
    const keys = inputKeys(new Map(linked), { platform: "linux/amd64", buildAll: [this.buildAllFile()] })
    return [...this.images].map(([name, image]) => {
      const key = keys.get(name)
      if (key === undefined) throw new Error(`no key of ${name}`)
      const testKey = this.testKey(name)
      return {
        name,
        repository: `ghcr.io/example/${name}`,
        isPublished: image.isPublished ?? true,
        parents: image.parents,
        ancestors: this.ancestors(name),
        ...key,
        testKey,
        bases: bases(image),
        maxAge: image.maxAge,
        registry:
          image.isPublished === false
            ? { kind: "known", otherTags: [] }
            : this.registryFacts(name, key.inputKey, testKey),
      }
    })
  }

  private buildAllFile(): ContextFile {
    const dirty = this.dirty.filter(({ path }) => isNamedBy(this.rules.buildAll, "images", path))
    const sha256 = hashOf([this.buildAll, dirty])
    return { path: "spec.yml", kind: "file", mode: 0o644, sha256 }
  }

  private testKey(name: string): string {
    const image = this.image(name)
    return hashOf([name, image.tests, this.builtOn(image).map((parent) => this.testKey(parent))])
  }

  private ancestors(name: string): readonly string[] {
    return this.builtOn(this.image(name)).flatMap((parent) => [parent, ...this.ancestors(parent)])
  }

  private builtOn({ parents, copies }: WorldImage): readonly string[] {
    return parents.filter((parent) => !copies.includes(parent))
  }

  private registryFacts(name: string, inputKey: string, testKey: string): RegistryFacts {
    if (this.silent.has(name) || this.silent.has("*")) return { kind: "unknown", why: "401 Unauthorized" }
    const tags = this.tagsOf(name)
    const passed = tags.get(passedTag(inputKey, testKey))?.digest
    const at = (tag: string): RegistryImage | undefined => {
      const image = tags.get(tag)
      return image && { ...image, tag, passed: image.digest === passed }
    }
    const others = ["main", "stable"].map((branch) => `2026.4-${branch}`).filter((tag) => tag !== this.tag)
    return {
      kind: "known",
      branchTag: at(this.tag),
      candidate: at(candidateTag(inputKey)),
      otherTags: others.flatMap((tag) => at(tag) ?? []),
    }
  }

  private git(): GitFacts {
    const head = {
      sha: this.sha(),
      parents: ["0".repeat(40)],
      message: this.message,
      authorTime: "",
      committerTime: "",
    }
    const known = {
      ...noGitFacts("unreadable", "the clone is shallow"),
      repository: { state: "ok" as const },
      head,
      dirty: this.dirty,
      notices: [],
    }
    if (this.changes === undefined) return known
    return {
      ...known,
      base: {
        kind: "merge-base",
        ref: "main",
        tip: "1".repeat(40),
        commit: "1".repeat(40),
        why: "compared with main",
      },
      changes: { kind: "known", files: this.changes },
    }
  }

  private sha(): string {
    return createHash("sha1").update(String(this.commit)).digest("hex")
  }
}

/** base with two children; left has one more. */
export function family(): PlanWorld {
  return new PlanWorld({ base: [], left: ["base"], right: ["base"], leaf: ["left"] })
}

/** The family after a run on main, with a new branch that has changed nothing. */
export function publishedFamily(): PlanWorld {
  const world = family()
  world.startBranch("main")
  world.execute(world.plan())
  world.startBranch("feature")
  return world
}

/** `{ base: "reuse", left: "build" }` */
export function actions(plan: Plan): Readonly<Record<string, string>> {
  return Object.fromEntries(plan.steps.map(({ image, action }) => [image, action]))
}

/** What an image's step is built on. */
export function parentsOf(plan: Plan, image: string): readonly ParentSource[] | undefined {
  const step = plan.steps.find((each) => each.image === image)
  return step && parentsIn(step)
}

/** The published image that an image's step is about. */
export function publishedOf(plan: Plan, image: string): Published | undefined {
  const step = plan.steps.find((each) => each.image === image)
  return step && publishedIn(step)
}

/** Kinds of an image's reasons. */
export function reasons(plan: Plan, image: string): readonly string[] {
  const step = plan.steps.find((each) => each.image === image)
  return step?.reasons.map(({ kind }) => kind) ?? []
}

export function digestOf(text: string): string {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`
}

function candidateTag(inputKey: string): string {
  return `candidate-${inputKey.slice(0, 16)}`
}

/** What a plan for people tells of one image. */
export function explain(plan: Plan, image: string): string {
  const [, ...sections] = planMarkdown(plan).split(/^(?=### )/m)
  return sections.find((section) => section.startsWith(`### ${image}\n`)) ?? ""
}
