import type { Secret } from "@dagger.io/dagger"
import { attachStatements } from "../attestation/attestImages.js"
import { gpuStatement } from "../attestation/gpuClaim.js"
import type { StatementSigner } from "../attestation/signer.js"
import type { GpuTestOptions } from "../gpu/gpuTest.js"
import { planGpuTest, renderGpuPlan, runGpuTest } from "../gpu/gpuTest.js"
import { renderGpuJson, renderGpuMarkdown } from "../gpu/render.js"
import type { GpuVerdict } from "../gpu/verdict.js"
import { InputError, atOption } from "../problems.js"
import { underTag } from "../reference/imagePlace.js"
import { formatReference, isTag } from "../reference/reference.js"
import { indexedImage } from "../registry/imageFacts.js"
import { usualPlatform } from "../spec/platforms.js"
import { publishedAs } from "../spec/publishedAs.js"
import type { Spec } from "../spec/spec.js"
import type { ActionOutcome } from "./actionOutcome.js"
import { openSource } from "../gather/openSource.js"
import { RegistrySession } from "../gather/registrySession.js"
import type { RegistryOptionsOfCall } from "../gather/request.js"
import { loginOf, requireNamed } from "../gather/secretHosts.js"
import { signerOf, writersPatience } from "../gather/signing.js"
import type { SigningOptions } from "../gather/signing.js"
import { plainText } from "../text/markdown.js"
import { secretText } from "../engine/secretText.js"

/** How to reach the cluster's login host; what is not given is the spec's. */
export interface GpuLogin {
  readonly gpuHost?: string | undefined
  readonly gpuUser?: string | undefined
  readonly gpuPort?: number | undefined
  readonly gpuPassword?: Secret | undefined
  readonly gpuPrivateKey?: Secret | undefined
  /** Line of known_hosts or fingerprint. */
  readonly gpuHostKey?: string | undefined
}

/** What a GPU test is asked for. */
export interface GpuRequest extends RegistryOptionsOfCall, GpuLogin, SigningOptions {
  readonly tag: string
  readonly dryRun: boolean
}

/**
 * Runs the GPU test of the image that a tag names now; a dry run connects to no login host.
 * @throws InputError, InvalidGpuTest for mistakes in the source or the options
 */
export async function gpuTest(request: GpuRequest): Promise<ActionOutcome> {
  requireNamedHost(request, "--")
  const { spec } = await openSource(request.source)
  const registry = await RegistrySession.open(loginOf(request))
  const image = testedImage(spec, request)
  const signer = await signerOf(request)
  const named = request.dryRun ? undefined : await digestOf(registry, image)
  const options = await gpuOptions(spec, request, image, named)
  if (!request.dryRun) {
    const verdict = await runGpu(options, registry)
    return verdictResult(verdict, await attestVerdict(verdict, options, registry, signer))
  }
  const plan = renderGpuPlan(planGpuTest(options))
  return {
    ok: true,
    report: { version: 1, kind: "dry-run", plan },
    markdown: preformatted(plan),
  }
}

/** A plan on a page, its lines as they are. */
export function preformatted(plan: string): string {
  return `\`\`\`text\n${plan.trimEnd()}\n\`\`\`\n`
}

/** The image of the spec's GPU test under a tag. @throws InputError where the spec has none, or the tag is no tag */
export function testedImage(
  spec: Spec,
  { tag, registry }: Pick<GpuRequest, "tag" | "registry">,
): TestedImage {
  if (spec.gpu === undefined) {
    const location = { file: spec.path, line: 1, column: 1 }
    throw new InputError([{ location, message: "there is no GPU test", hint: "describe it under `gpu`" }])
  }
  if (!isTag(tag)) {
    const message = `${JSON.stringify(tag.slice(0, 140))} is not a tag`
    throw new InputError([{ location: atOption("--tag"), message, hint: "such as 2026.4-main" }])
  }
  const place = publishedAs(spec, registry).get(spec.gpu.image)
  if (place === undefined)
    throw new Error(`the spec's GPU test is of ${spec.gpu.image}, which is no image of it`)
  const { tag: own, ...repository } = underTag(place, tag)
  return { repository, tag: own }
}

/** An image by its tag. */
export type TestedImage = Pick<GpuTestOptions, "repository" | "tag">

async function digestOf(registry: RegistrySession, { repository, tag }: TestedImage): Promise<string> {
  const found = await registry.resolve({ ...repository, tag })
  if (found !== undefined) return found
  const message = `there is no image ${formatReference({ ...repository, tag })}`
  throw new InputError([{ location: atOption("--tag"), message }])
}

/**
 * Checks that what gets a secret is named by the call.
 * @param prefix of the options of the login, such as `--gpu-`
 * @throws InputError where a secret is given, and the host or its key by the spec alone
 */
export function requireNamedHost(login: GpuLogin, prefix: "--" | "--gpu-"): void {
  const namedBy = { [`${prefix}host`]: login.gpuHost, [`${prefix}host-key`]: login.gpuHostKey }
  requireNamed([
    { option: `${prefix}password`, secret: login.gpuPassword, namedBy },
    { option: `${prefix}private-key`, secret: login.gpuPrivateKey, namedBy },
  ])
}

/** Options of the GPU test, from the spec and the call; secrets are read here and nowhere else. */
export async function gpuOptions(
  spec: Spec,
  login: GpuLogin,
  image: TestedImage,
  digest: string | undefined,
): Promise<GpuTestOptions> {
  const { gpu } = spec
  if (gpu === undefined) throw new Error("the spec has no GPU test")
  const password = login.gpuPassword && (await secretText(login.gpuPassword))
  const privateKey = login.gpuPrivateKey && (await secretText(login.gpuPrivateKey))
  return {
    ...image,
    digest,
    host: login.gpuHost ?? gpu.host,
    port: login.gpuPort ?? gpu.port,
    user: login.gpuUser ?? gpu.user,
    hostKey: login.gpuHostKey ?? gpu.hostKey ?? "",
    // As ssh2 wants them: what is not given is not there.
    credentials: {
      ...(password !== undefined && { password }),
      ...(privateKey !== undefined && { privateKey }),
    },
    launch: gpu.launch,
    tests: gpu.tests,
    timeoutSeconds: gpu.timeoutSeconds,
  }
}

/** Runs the test with the job's output shown as it comes; secrets are redacted from it already. */
export async function runGpu(options: GpuTestOptions, { client }: RegistrySession): Promise<GpuVerdict> {
  const { repository, digest } = options
  // Which of an index's images its machines take, the cluster does not tell.
  const platform =
    digest === undefined ? undefined : await indexedImage(client, { ...repository, digest }, usualPlatform)
  const verdict = await runGpuTest(options, {
    connected: () => {
      console.log(`connected to ${options.host}`)
    },
    line: (_, text) => {
      console.log(text)
    },
  })
  return platform === undefined ? verdict : { ...verdict, platform }
}

/** What became of the statement about a verdict. */
interface SignedVerdict {
  readonly ok: boolean
  readonly message: string
}

/** Signs the verdict of a GPU test, and attaches it to what was tested; undefined where nobody signs. */
export async function attestVerdict(
  verdict: GpuVerdict,
  { hostKey, tests }: Pick<GpuTestOptions, "hostKey" | "tests">,
  registry: RegistrySession,
  signer: StatementSigner | undefined,
): Promise<SignedVerdict | undefined> {
  if (signer === undefined) return undefined
  const at = Date.now()
  const statement = gpuStatement(verdict, { hostKey, tests, at })
  const { registry: host, path } = verdict.image
  const { digest } = verdict
  if (statement === undefined || digest === undefined) {
    return { ok: true, message: "The verdict is about no digest: nothing was signed." }
  }
  try {
    const attesting = { store: registry.client, signer, patience: writersPatience }
    const image = { registry: host, path, digest }
    await attachStatements(attesting, image, [statement], new Date(at).toISOString())
    return { ok: true, message: `The verdict was signed by ${plainText(signer.name)}.` }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { ok: false, message: `The verdict could not be signed: ${plainText(reason)}.` }
  }
}

function verdictResult(verdict: GpuVerdict, signed: SignedVerdict | undefined): ActionOutcome {
  const report = JSON.parse(renderGpuJson(verdict)) as object
  const files = new Map([["logs/gpu-test.log", verdict.log]])
  const markdown = renderGpuMarkdown(verdict)
  return {
    ok: verdict.kind === "passed" && signed?.ok !== false,
    report: signed === undefined ? report : { ...report, signed: signed.message },
    markdown: signed === undefined ? markdown : `${markdown.trimEnd()}\n\n${signed.message}\n`,
    files,
  }
}
