import type { Step } from "../plan/planDocument.js"
import { countTests } from "../testing/testRun.js"
import type { Builder, ClaimedRun, ReportedEnd, RunClaims } from "./claims.js"
import type { InTotoStatement } from "./statement.js"

/** Version of what `docs/evidence.md` describes under this address. */
const buildType = "https://jupyter-stack.github.io/build/v1"

/** Keys that something was built for, and will have passed. */
export type ClaimedKeys = Pick<Step, "inputKey" | "testKey">

/** What something was made of, and the files that were made beside it. */
export interface MadeOf {
  readonly dependencies: readonly ResourceDescriptor[]
  readonly files: readonly ResourceDescriptor[]
}

/** Provenance as SLSA writes it. @param subject which image of the spec it is, and what it is for */
export function provenancePredicate(
  subject: Readonly<Record<string, unknown>>,
  { inputKey, testKey }: ClaimedKeys,
  { dependencies, files }: MadeOf,
  { report, plan, source }: RunClaims,
  builder: Builder,
): InTotoStatement["predicate"] {
  const { commit } = report.source
  return {
    buildDefinition: {
      buildType,
      externalParameters: {
        ...subject,
        tag: plan.tag,
        branch: plan.branch,
        arguments: report.request.arguments,
        ...(source !== undefined && { source }),
        ...(commit !== undefined && { commit }),
      },
      internalParameters: {
        inputKey,
        testKey,
        planVersion: plan.version,
        // Not what the commit alone would give.
        uncommittedChanges: report.source.dirty,
      },
      resolvedDependencies: [...sourceOf(report.source, source), ...dependencies],
    },
    runDetails: {
      builder: { id: builder.id },
      metadata: {
        ...(builder.invocation !== undefined && { invocationId: builder.invocation }),
        startedOn: new Date(report.startedAt).toISOString(),
      },
      byproducts: files,
    },
  }
}

/** Something with its digest (in-toto attestation framework, "ResourceDescriptor"). */
export interface ResourceDescriptor {
  readonly uri?: string
  readonly name?: string
  readonly digest: Readonly<Record<string, string>>
}

function sourceOf(
  { commit }: ClaimedRun["source"],
  source: string | undefined,
): readonly ResourceDescriptor[] {
  const uri = source === undefined ? {} : { uri: `git+${source}` }
  return commit === undefined ? [] : [{ ...uri, name: "source", digest: { gitCommit: commit } }]
}

/** An image as something that another one is made of. */
export function imageDependency(reference: string, digest: string): ResourceDescriptor {
  return { uri: `oci://${reference.replace(/@.*$/, "")}`, digest: { sha256: digest.replace(/^sha256:/, "") } }
}

/** Results of tests as in-toto's framework writes them. @param files of the run; those of tests count */
export function testsPredicate(
  ends: readonly Pick<ReportedEnd, "suites">[],
  { inputKey, testKey }: ClaimedKeys,
  files: readonly ResourceDescriptor[],
  startedAt: number,
): InTotoStatement["predicate"] {
  const suites = ends
    .flatMap(({ suites: own }) => own)
    .map(({ kind, run: { tests }, earlier = [] }) => ({
      name: kind,
      counts: countTests(tests),
      ...(earlier.length > 0 && { passedEarlier: earlier }),
    }))
  return {
    result: "PASSED",
    configuration: [
      { name: "tests", digest: { sha256: testKey } },
      ...files.filter(({ name = "" }) => name.startsWith("junit/")),
    ],
    passedTests: [...new Set(suites.map(({ name }) => name))],
    inputKey,
    testKey,
    suites,
    startedOn: new Date(startedAt).toISOString(),
  }
}
