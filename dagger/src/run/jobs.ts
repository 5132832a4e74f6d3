import type { LabelFacts } from "../registry/writtenLabels.js"
import { foreignLabels, imageLabelsOf } from "../registry/writtenLabels.js"
import type { LinkedImage, LinkedStack, LinkRequest } from "../dockerfile/link.js"
import { secretNotices } from "../dockerfile/secrets.js"
import { webAddress } from "../git/webAddress.js"
import { packageProbes } from "../manifest/packageProbes.js"
import type { Plan, Published, Step } from "../plan/planDocument.js"
import { describeReason } from "../plan/reasons.js"
import { formatProblem } from "../problems.js"
import type { PinnedReference } from "../reference/reference.js"
import { parseReference } from "../reference/reference.js"
import type { ImageSpec, Spec } from "../spec/spec.js"
import { testFolders, testOwner } from "../testing/testFolders.js"
import type { ImageJob, SkipJob } from "./execution.js"
import type { Probe } from "../engine/inspectImage.js"
import { knownOf } from "../tree/knownOf.js"
import type { Prepared } from "../gather/prepare.js"

/**
 * Every step of the plan with what it takes to carry it out, parents before children.
 * @param secrets ids of those that are given
 */
export function jobsOf(prepared: Prepared, secrets: ReadonlySet<string>): readonly ImageJob[] {
  return prepared.plan.steps.map((step) => jobOf(prepared, step, secrets))
}

function jobOf(prepared: Prepared, step: Step, secrets: ReadonlySet<string>): ImageJob {
  const own = knownOf(prepared.linked.images, step.image)
  const any = anyJob(prepared, step, own)
  switch (step.action) {
    case "build": {
      const labels = imageLabelsOf(labelFacts(prepared, step, own))
      return {
        ...any,
        action: "build",
        target: own.target,
        builderArgs: own.builderArgs,
        labels,
        foreignLabels: foreignLabels(labels, own.labelNames),
        notices: [...any.notices, ...secretNotices(secrets, own)],
      }
    }
    case "retest": {
      const hasSameContent = step.reasons.some(({ kind }) => kind === "same-content")
      return { ...any, action: "retest", published: pinned(step.published), hasSameContent }
    }
    case "retag":
    case "reuse":
      return { ...any, action: step.action, published: pinned(step.published) }
    case "skip":
      return { ...any, action: "skip" }
  }
}

function pinned({ reference, digest }: Published): PinnedReference {
  return { ...parseReference(reference), digest }
}

function anyJob(prepared: Prepared, step: Step, own: LinkedImage): Omit<SkipJob, "action"> {
  const { spec, tree, files, repositories, images } = prepared
  const image = knownOf(spec.images, step.image)
  const keyed = images.find(({ name }) => name === image.name)
  return {
    name: image.name,
    parents: own.parents,
    reasons: step.reasons.map(describeReason),
    inputKey: step.inputKey,
    testKey: step.testKey,
    folderKeys: keyed?.folderKeys ?? new Map(),
    repository: knownOf(repositories, image.name),
    folders: testFolders(files, testOwner(spec, tree, image.name)),
    serverPort: image.serverPort,
    probes: probesOf(spec, image),
    ...baseOf(own),
    sizeBudget: image.sizeBudget,
    notices: own.notices.map(formatProblem),
  }
}

function labelFacts({ git, plan }: Prepared, step: Step, own: LinkedImage): LabelFacts {
  const source = git.remoteUrl === undefined ? undefined : webAddress(git.remoteUrl)
  return {
    title: step.image,
    version: plan.tag,
    inputKey: step.inputKey,
    testKey: step.testKey,
    ...(source !== undefined && { source }),
    ...(git.head !== undefined && { revision: git.head.sha, created: git.head.committerTime }),
    ...baseOf(own),
  }
}

function baseOf(linked: LinkedImage): { readonly base?: NonNullable<ImageJob["base"]> } {
  if (linked.base === undefined) return {}
  const { reference, digest } = linked.base
  return { base: digest === undefined ? { reference } : { reference, digest } }
}

function probesOf(spec: Spec, image: ImageSpec): readonly Probe[] {
  const info = image.infoCommands.flatMap((key) => {
    const command = spec.infoCommands.get(key)
    return command === undefined ? [] : [{ key: `info:${key}`, command: command.command }]
  })
  return [
    ...info,
    ...packageProbes.map(({ ecosystem, command }) => ({ key: `packages:${ecosystem}`, command })),
  ]
}

/**
 * What has to be linked to carry out a plan: the images that it builds and those whose stages they need, with the
 * other parents as references to the registry.
 * @param runId a word that no earlier run had: what is fully rebuilt runs its RUN instructions again
 */
export function linkRequestFor(plan: Plan, all: LinkRequest, runId: string): LinkRequest {
  const built = plan.steps.filter((step) => step.action === "build")
  const wanted = new Set(built.map(({ image }) => image))
  const sources = built.flatMap(({ parents }) => parents)
  for (const parent of sources) if (parent.from === "source") wanted.add(parent.image)
  const parents = new Map(
    sources.flatMap((parent) =>
      parent.from === "registry" ? [[parent.image, parent.reference] as const] : [],
    ),
  )
  const again = built.filter(({ reasons }) => reasons.some(isFullRebuild)).map(({ image }) => image)
  return {
    ...all,
    images: all.images.filter((name) => wanted.has(name)),
    parents,
    ...(again.length > 0 && { runAgain: { images: new Set(again), word: runId } }),
  }
}

function isFullRebuild({ kind }: Step["reasons"][number]): boolean {
  return kind === "full-rebuild-option" || kind === "full-rebuild-message"
}

/** An image and what it is built on in this run, all the way down; parents first. */
export function lineageOf(linked: LinkedStack, name: string): readonly string[] {
  const lineage = new Set([name])
  // A set's loop reaches what is added on the way: every image once, however many ways lead to it.
  for (const each of lineage) for (const parent of linked.images.get(each)?.parents ?? []) lineage.add(parent)
  return [...linked.images.keys()].filter((each) => lineage.has(each))
}
