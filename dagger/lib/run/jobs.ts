import type { LabelFacts } from "../registry/writtenLabels.js"
import { foreignLabels, imageLabelsOf, indexAnnotationsOf } from "../registry/writtenLabels.js"
import type { LinkedImage } from "../dockerfile/linkedImage.js"
import { secretNotices } from "../dockerfile/secrets.js"
import { webAddress } from "../git/webAddress.js"
import { osProbe, packageProbes } from "../manifest/packageProbes.js"
import type { Published, Step } from "../plan/planDocument.js"
import { describeReason } from "../plan/reasons.js"
import { formatProblem } from "../problems.js"
import { ownTag } from "../reference/imagePlace.js"
import type { PinnedReference } from "../reference/reference.js"
import { parseReference } from "../reference/reference.js"
import type { ImageSpec, Spec } from "../spec/spec.js"
import type { FoundTests } from "../testing/testFolders.js"
import { testFolders, testOwner } from "../testing/testFolders.js"
import { infoKeysOf, isForBranch } from "../tag/furtherTags.js"
import { infoProbe, tagCommands } from "./checkTags.js"
import { platformsOf } from "../plan/platforms.js"
import type { Execution, ImageJob, SkipJob } from "./execution.js"
import type { Probe } from "../engine/inspectImage.js"
import { knownOf } from "../tree/knownOf.js"
import type { Prepared } from "../gather/prepare.js"
import { testsOn } from "../gather/prepare.js"

/**
 * The jobs of one of several platforms: each says which it is of.
 * @throws RangeError where the plan is not of one platform
 */
export function jobsOfPlatform(
  prepared: Prepared,
  secrets: ReadonlySet<string>,
  purpose: Execution["purpose"],
): readonly ImageJob[] {
  const [platform, ...others] = platformsOf(prepared.plan)
  if (platform === undefined || others.length > 0) throw new RangeError("a plan of one platform is needed")
  return jobsOf(prepared, secrets, purpose).map((job) => ({ ...job, platform }))
}

/**
 * Every step of the plan with what it takes to carry it out, parents before children.
 * @param secrets ids of those that are given
 * @param purpose what images are looked into for
 */
export function jobsOf(
  prepared: Prepared,
  secrets: ReadonlySet<string>,
  purpose: Execution["purpose"],
): readonly ImageJob[] {
  return prepared.plan.steps.map((step) => jobOf(prepared, step, secrets, purpose))
}

function jobOf(
  prepared: Prepared,
  step: Step,
  secrets: ReadonlySet<string>,
  purpose: Execution["purpose"],
): ImageJob {
  const any = anyJob(prepared, step, purpose)
  switch (step.action) {
    case "build": {
      const own = knownOf(prepared.linked.images, step.image)
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
      // Where signers are trusted, tags that tell of single folders are nobody's word.
      const isBelieved = prepared.spec.trust === undefined
      const hasSameContent = isBelieved && step.reasons.some(({ kind }) => kind === "same-content")
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

function anyJob(prepared: Prepared, step: Step, purpose: Execution["purpose"]): Omit<SkipJob, "action"> {
  const { spec, tree, files, repositories, images, linked } = prepared
  const own = linked.images.get(step.image)
  const image = knownOf(spec.images, step.image)
  const keyed = images.find(({ name }) => name === image.name)
  return {
    name: image.name,
    parents: own?.parents ?? [],
    reasons: step.reasons.map(describeReason),
    inputKey: step.inputKey,
    testKey: step.testKey,
    folderKeys: keyed?.folderKeys ?? new Map(),
    repository: knownOf(repositories, image.name),
    isPublished: image.isPublished,
    furtherTags: image.furtherTags.map((tag) => ({
      ...tag,
      isForRun: isForBranch(tag, prepared.plan.branch, spec.tags),
    })),
    tagCommands: tagCommands(image.furtherTags, spec.infoCommands),
    folders:
      testsOn(spec, prepared.platform) === "none"
        ? noTests
        : testFolders(files, testOwner(spec, tree, image.name)),
    serverPort: image.serverPort,
    probes: purpose === "pages" ? probesOf(spec, image) : [],
    ...baseOf(own),
    sizeBudget: image.sizeBudget,
    notices: own?.notices.map(formatProblem) ?? [],
  }
}

const noTests: FoundTests = { basic: [], integration: [], serverUntested: false }

function labelFacts({ git, plan, repositories }: Prepared, step: Step, own: LinkedImage): LabelFacts {
  return {
    title: step.image,
    version: ownTag(knownOf(repositories, step.image), plan.tag),
    inputKey: step.inputKey,
    testKey: step.testKey,
    source: git.remoteUrl === undefined ? undefined : webAddress(git.remoteUrl),
    revision: git.head?.sha,
    created: git.head?.committerTime,
    ...(step.action === "build" && { fresh: step.fresh }),
    ...baseOf(own),
  }
}

/** The annotations of the index of an image's platforms. */
export function indexAnnotations(
  { git, plan, repositories }: Pick<Prepared, "git" | "plan" | "repositories">,
  image: string,
): ReadonlyMap<string, string> {
  const { head, remoteUrl } = git
  const version = ownTag(knownOf(repositories, image), plan.tag)
  const source = remoteUrl === undefined ? undefined : webAddress(remoteUrl)
  const commit = { revision: head?.sha, created: head?.committerTime }
  return indexAnnotationsOf({ title: image, version, source, ...commit })
}

function baseOf(linked: LinkedImage | undefined): { readonly base?: NonNullable<ImageJob["base"]> } {
  if (linked?.base === undefined) return {}
  const { reference, digest } = linked.base
  return { base: digest === undefined ? { reference } : { reference, digest } }
}

function probesOf(spec: Spec, image: ImageSpec): readonly Probe[] {
  const keys = new Set([...image.infoCommands, ...image.furtherTags.flatMap(infoKeysOf)])
  const info = [...keys].flatMap((key) => {
    const command = spec.infoCommands.get(key)
    return command === undefined ? [] : [{ key: infoProbe(key), command: command.command }]
  })
  return [
    ...info,
    { key: "os", command: osProbe },
    ...packageProbes.map(({ ecosystem, command }) => ({ key: `packages:${ecosystem}`, command })),
  ]
}
