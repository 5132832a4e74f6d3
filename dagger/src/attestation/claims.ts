import { pageName } from "../manifest/pageName.js"
import type { Plan, Step } from "../plan/planDocument.js"
import { parentsIn } from "../plan/planDocument.js"
import { formatReference, parseReference } from "../reference/reference.js"
import { labels } from "../registry/labels.js"
import type { ImageReport, StackReport } from "../report/report.js"
import type { TestResult } from "../testing/testRun.js"
import { countTests } from "../testing/testRun.js"
import { statementAbout } from "./statement.js"
import type { InTotoStatement } from "./statement.js"

/** What of a report statements are made of. */
export interface ClaimedRun extends Pick<StackReport, "platform" | "startedAt"> {
  readonly source: Pick<StackReport["source"], "commit" | "dirty">
  readonly request: Pick<StackReport["request"], "arguments">
  readonly images: readonly ReportedImage[]
}

/** What of a report's image they are made of. */
export interface ReportedImage extends Pick<ImageReport, "name" | "reference" | "inputKey"> {
  readonly digest?: string | undefined
  readonly outcome: { readonly kind: string }
  readonly suites: readonly {
    readonly kind: string
    readonly run: { readonly tests: readonly TestResult[] }
    readonly earlier?: readonly string[] | undefined
  }[]
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

/** An image of a run that there is something to say of. */
export interface ClaimedImage {
  readonly report: ReportedImage & { readonly digest: string }
  readonly step: Step
  /** Labels of the image as the registry has it. */
  readonly labels: ReadonlyMap<string, string>
}

/** Version of what `docs/evidence.md` describes under this address. */
const buildType = "https://jupyter-stack.github.io/build/v1"

/** Images of a run that it built or tested, and that are in the registry. */
export function claimedImages({ report, plan }: RunClaims): readonly Omit<ClaimedImage, "labels">[] {
  const steps = new Map(plan.steps.map((step) => [step.image, step]))
  return report.images.flatMap((image) => {
    const step = steps.get(image.name)
    const { digest, outcome } = image
    const isMade = step?.action === "build" || step?.action === "retest"
    if (step === undefined || digest === undefined || !isMade) return []
    return outcome.kind === "passed" || outcome.kind === "untested"
      ? [{ report: { ...image, digest }, step }]
      : []
  })
}

/**
 * Where the registry contradicts what a run says of an image.
 * @returns a sentence for each difference
 */
export function contradictions({ report, step, labels: found }: ClaimedImage): readonly string[] {
  const told = found.get(labels.inputKey)
  if (report.inputKey !== step.inputKey) return [`report and plan name different keys for ${report.name}`]
  if (told === step.inputKey) return []
  return [
    `${repositoryOf(step)}@${report.digest} has the key ${told ?? "(none)"}, and the run says ${step.inputKey}`,
  ]
}

/** The statements about an image: provenance where this run built it, and its tests where they passed. */
export function statementsOf(
  image: ClaimedImage,
  run: RunClaims,
  builder: Builder,
): readonly InTotoStatement[] {
  const { report, step } = image
  const subject = { name: repositoryOf(step), digest: report.digest }
  return [
    ...(step.action === "build"
      ? [statementAbout("provenance", subject, provenanceOf(image, run, builder))]
      : []),
    ...(report.outcome.kind === "passed" ? [statementAbout("tests", subject, testsOf(image, run))] : []),
  ]
}

function repositoryOf({ reference }: Step): string {
  const { registry, path } = parseReference(reference)
  return formatReference({ registry, path })
}

function provenanceOf(image: ClaimedImage, run: RunClaims, builder: Builder): InTotoStatement["predicate"] {
  const { report, plan, source } = run
  const { step } = image
  const { commit } = report.source
  return {
    buildDefinition: {
      buildType,
      externalParameters: {
        image: step.image,
        platform: report.platform ?? plan.platform,
        tag: plan.tag,
        branch: plan.branch,
        arguments: report.request.arguments,
        ...(source !== undefined && { source }),
        ...(commit !== undefined && { commit }),
      },
      internalParameters: {
        inputKey: step.inputKey,
        testKey: step.testKey,
        planVersion: plan.version,
        // Not what the commit alone would give.
        uncommittedChanges: report.source.dirty,
      },
      resolvedDependencies: dependenciesOf(image, run),
    },
    runDetails: {
      builder: { id: builder.id },
      metadata: {
        ...(builder.invocation !== undefined && { invocationId: builder.invocation }),
        startedOn: new Date(report.startedAt).toISOString(),
      },
      byproducts: byproductsOf(image.report, run),
    },
  }
}

interface ResourceDescriptor {
  readonly uri?: string
  readonly name?: string
  readonly digest: Readonly<Record<string, string>>
}

/** Commit, base and parents, each by digest, as far as they are known. */
function dependenciesOf(
  { step, labels: found }: ClaimedImage,
  run: RunClaims,
): readonly ResourceDescriptor[] {
  const { report, source } = run
  const { commit } = report.source
  const uri = source === undefined ? {} : { uri: `git+${source}` }
  const base = [found.get(labels.baseName), found.get(labels.baseDigest)] as const
  const parents = parentsIn(step).flatMap((parent) => {
    if (parent.from === "registry") return [[parent.reference, parent.digest] as const]
    const built = report.images.find(({ name }) => name === parent.image)
    return built?.digest === undefined ? [] : [[built.reference, built.digest] as const]
  })
  const images = [base, ...parents].flatMap(([name, digest]) =>
    name === undefined || digest === undefined ? [] : [imageDependency(name, digest)],
  )
  const named = new Map(images.map((each) => [each.digest.sha256, each]))
  return [
    ...(commit === undefined ? [] : [{ ...uri, name: "source", digest: { gitCommit: commit } }]),
    ...named.values(),
  ]
}

function imageDependency(reference: string, digest: string): ResourceDescriptor {
  return { uri: `oci://${reference.replace(/@.*$/, "")}`, digest: { sha256: digest.replace(/^sha256:/, "") } }
}

/** Files of the run that are about all images, and those of this one. */
function byproductsOf(
  { name, reference }: ReportedImage,
  { files }: RunClaims,
): readonly ResourceDescriptor[] {
  const page = pageName(parseReference(reference))
  const isOf = (path: string) =>
    ["plan.json", "stack.Dockerfile"].includes(path) ||
    path.startsWith(`junit/${name}.`) ||
    path === `sbom/${page}.spdx.json`
  return [...files]
    .filter(([path]) => isOf(path))
    .map(([path, sha256]) => ({ name: path, digest: { sha256 } }))
}

function testsOf({ report, step }: ClaimedImage, run: RunClaims): InTotoStatement["predicate"] {
  const { inputKey, testKey } = step
  const suites = report.suites.map(({ kind, run: { tests }, earlier = [] }) => ({
    name: kind,
    counts: countTests(tests),
    ...(earlier.length > 0 && { passedEarlier: earlier }),
  }))
  return {
    result: "PASSED",
    configuration: [
      { name: "tests", digest: { sha256: testKey } },
      ...byproductsOf(report, run).filter(({ name = "" }) => name.startsWith("junit/")),
    ],
    passedTests: suites.map(({ name }) => name),
    inputKey,
    testKey,
    suites,
    startedOn: new Date(run.report.startedAt).toISOString(),
  }
}
