import { pageName } from "../manifest/pageName.js"
import type { Plan, Step } from "../plan/planDocument.js"
import { parentsIn } from "../plan/planDocument.js"
import { platformsOf } from "../plan/platforms.js"
import { formatReference, parseReference } from "../reference/reference.js"
import { labels } from "../registry/labels.js"
import type { ImageReport, PlatformReport, StackReport } from "../report/report.js"
import { platformInPaths } from "../spec/platforms.js"
import type { TestResult } from "../testing/testRun.js"
import { statementAbout } from "./statement.js"
import type { InTotoStatement } from "./statement.js"
import type { ImageScan } from "../vulnerability/imageScan.js"
import { vulnerabilityStatement } from "./vulnerabilityClaim.js"
import { imageDependency, provenancePredicate, testsPredicate } from "./writtenPredicates.js"
import type { ResourceDescriptor } from "./writtenPredicates.js"

/** What of a report statements are made of. */
export interface ClaimedRun extends Pick<StackReport, "platform" | "startedAt"> {
  readonly source: Pick<StackReport["source"], "commit" | "committedAt" | "dirty">
  readonly request: Pick<StackReport["request"], "arguments">
  readonly images: readonly ReportedImage[]
}

/** What of a report's image they are made of. */
export interface ReportedImage extends Pick<ImageReport, "name" | "reference">, ReportedEnd {
  /** What it is on each platform, in a run of several. */
  readonly platforms?: readonly ReportedPlatform[] | undefined
}

/** What of an image on one of several platforms they are made of. */
export interface ReportedPlatform extends ReportedEnd {
  readonly platform: string
  /** What of its tests was to run. */
  readonly tests: PlatformReport["tests"]
}

/** How an image has ended, on one platform or on all. */
export interface ReportedEnd extends Pick<ImageReport, "inputKey"> {
  readonly digest?: string | undefined
  readonly outcome: { readonly kind: string }
  readonly suites: readonly {
    readonly kind: string
    readonly run: { readonly tests: readonly TestResult[] }
    readonly earlier?: readonly string[] | undefined
  }[]
  readonly vulnerabilities?: ImageScan | undefined
}

/** What a run says of its images: the parts of its report and plan that statements are made of. */
export interface RunClaims {
  readonly report: ClaimedRun
  readonly plan: Plan
  /** Hex SHA-256 of the run's files by their path in its artifacts. */
  readonly files: ReadonlyMap<string, string>
  /** URL of the repository, where known. */
  readonly source?: string | undefined
}

/** Who ran it. */
export interface Builder {
  /** URI (SLSA: `builder.id`). */
  readonly id: string
  /** URI of the run, where there is one. */
  readonly invocation?: string | undefined
}

/** An image of a run on one platform. */
export interface RunImage {
  readonly report: Pick<ReportedImage, "name" | "reference"> & ReportedEnd
  readonly step: Step
  /** Which it is on; whether its files have that in their names is a matter of the run. */
  readonly platform: string
  readonly hasPassed: boolean
}

/** One that there is something to say of. */
export interface ClaimedImage extends RunImage {
  readonly report: RunImage["report"] & { readonly digest: string }
  /** Labels of the image as the registry has it. */
  readonly labels: ReadonlyMap<string, string>
}

/** All images of a run, each on each of its platforms. */
export function imagesOfRun({ report, plan }: RunClaims): readonly RunImage[] {
  return report.images.flatMap((image) => {
    const { name, reference, platforms } = image
    const ends = platforms ?? [{ ...image, platform: undefined, tests: "full" as const }]
    return ends.flatMap((end) => {
      const step = plan.steps.find((each) => each.image === name && each.platform === end.platform)
      if (step === undefined) return []
      const platform = end.platform ?? report.platform ?? plan.platform
      return [{ report: { ...end, name, reference }, step, platform, hasPassed: hasPassed(end, step) }]
    })
  })
}

/** What is taken as it is published has passed before; where no test was to run, nothing is left to do. */
function hasPassed({ outcome, tests }: ReportedPlatform | UnnamedEnd, { action }: Step): boolean {
  if (action === "retag" || action === "reuse") return true
  return outcome.kind === "passed" || (tests === "none" && outcome.kind === "untested")
}

type UnnamedEnd = Omit<ReportedPlatform, "platform"> & { readonly platform: undefined }

/** Images of a run that it built, tested or scanned, and that are in the registry. */
export function claimedImages(run: RunClaims): readonly Omit<ClaimedImage, "labels">[] {
  return imagesOfRun(run).flatMap((image) => {
    const { report, step } = image
    const { digest, outcome, vulnerabilities } = report
    const isWhole = isMade(step)
      ? outcome.kind === "passed" || outcome.kind === "untested"
      : outcome.kind === "retagged" && vulnerabilities !== undefined
    return digest !== undefined && isWhole ? [{ ...image, report: { ...report, digest } }] : []
  })
}

function isMade({ action }: Step): boolean {
  return action === "build" || action === "retest"
}

/**
 * Where the registry contradicts what a run says of an image.
 * @returns a sentence for each difference
 */
export function contradictions({ report, step, labels: found }: ClaimedImage): readonly string[] {
  const told = found.get(labels.inputKey)
  // Of what is scanned as it is published nothing is said but what is in this digest.
  if (!isMade(step)) return []
  if (report.inputKey !== step.inputKey) return [`report and plan name different keys for ${report.name}`]
  if (told === step.inputKey) return []
  return [
    `${repositoryOf(step)}@${report.digest} has the key ${told ?? "(none)"}, and the run says ${step.inputKey}`,
  ]
}

/** The statements about an image: provenance where this run built it, its tests where they passed, a scan where there was one. */
export function statementsOf(
  image: ClaimedImage,
  run: RunClaims,
  builder: Builder,
): readonly InTotoStatement[] {
  const { report, step, hasPassed: isTested } = image
  const subject = { name: repositoryOf(step), digest: report.digest }
  const files = filesOf(image, run)
  return [
    ...(step.action === "build"
      ? [statementAbout("provenance", subject, provenanceOf(image, run, builder))]
      : []),
    ...(isTested && isMade(step)
      ? [statementAbout("tests", subject, testsPredicate([report], step, files, run.report.startedAt))]
      : []),
    ...(report.vulnerabilities === undefined
      ? []
      : [vulnerabilityStatement(subject, report.vulnerabilities)]),
  ]
}

/** Where an image of a step is published, without a tag. */
export function repositoryOf({ reference }: Pick<Step, "reference">): string {
  const { registry, path } = parseReference(reference)
  return formatReference({ registry, path })
}

function provenanceOf(image: ClaimedImage, run: RunClaims, builder: Builder): InTotoStatement["predicate"] {
  const { step, platform } = image
  const subject = { image: step.image, platform }
  const made = { dependencies: dependenciesOf(image, run), files: filesOf(image, run) }
  return provenancePredicate(subject, step, made, run, builder)
}

/** Base and parents of an image, each by digest, as far as they are known. */
function dependenciesOf(
  { step, platform, labels: found }: ClaimedImage,
  run: RunClaims,
): readonly ResourceDescriptor[] {
  const base = [found.get(labels.baseName), found.get(labels.baseDigest)] as const
  const parents = parentsIn(step).flatMap((parent) => {
    if (parent.from === "registry") return [[parent.reference, parent.digest] as const]
    const built = imagesOfRun(run).find(
      (each) => each.step.image === parent.image && each.platform === platform,
    )
    return built?.report.digest === undefined ? [] : [[built.report.reference, built.report.digest] as const]
  })
  const images = [base, ...parents].flatMap(([name, digest]) =>
    name === undefined || digest === undefined ? [] : [imageDependency(name, digest)],
  )
  return [...new Map(images.map((each) => [each.digest.sha256, each])).values()]
}

/** Files of the run that are about all images, and those of this one. */
function filesOf(
  { report: { name, reference }, step, platform }: RunImage,
  run: RunClaims,
): readonly ResourceDescriptor[] {
  const dashed = platformInPaths(platform)
  const page = pageName(parseReference(reference))
  const isAlone = step.platform === undefined
  // In a run of several platforms files have them in their names: but texts of the run's first, and lists of the image's.
  const isPlanned = (first: string | undefined) => isAlone || platform === first
  const firstOfImage = run.plan.steps.find(({ image }) => image === name)?.platform
  const own = [
    "plan.json",
    isPlanned(platformsOf(run.plan)[0]) ? "stack.Dockerfile" : `${dashed}.stack.Dockerfile`,
    isPlanned(firstOfImage) ? `sbom/${page}.spdx.json` : `sbom/${page}.${dashed}.spdx.json`,
  ]
  const tests = isAlone ? name : `${name}.${dashed}`
  return filesLike(run, (path) => own.includes(path) || path.startsWith(`junit/${tests}.`))
}

/** Files of a run with these names. */
export function filesLike(
  { files }: RunClaims,
  isMeant: (path: string) => boolean,
): readonly ResourceDescriptor[] {
  return [...files]
    .filter(([path]) => isMeant(path))
    .map(([path, sha256]) => ({ name: path, digest: { sha256 } }))
}
