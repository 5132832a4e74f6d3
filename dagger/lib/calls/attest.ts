import { createHash } from "node:crypto"
import { mkdtemp, readdir, readFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import type { Directory } from "@dagger.io/dagger"
import { attestImages } from "../attestation/attestImages.js"
import type { AttestedImage } from "../attestation/attestImages.js"
import type { RunClaims } from "../attestation/claims.js"
import { readClaimedRun } from "../attestation/runDocuments.js"
import { openSource } from "../gather/openSource.js"
import { RegistrySession } from "../gather/registrySession.js"
import type { RegistryOptionsOfCall } from "../gather/request.js"
import { loginOf } from "../gather/secretHosts.js"
import { ownBeliever, signerOf, writersPatience } from "../gather/signing.js"
import type { SigningOptions } from "../gather/signing.js"
import { webAddress } from "../git/webAddress.js"
import { tagDifferences } from "../plan/repeat.js"
import { readPlan } from "../plan/planDocument.js"
import { atOption, InputError } from "../problems.js"
import { platformsOfImages } from "../spec/platforms.js"
import { publishedAs } from "../spec/publishedAs.js"
import { plural } from "../text/format.js"
import { codeCell, plainText, table } from "../text/markdown.js"
import type { ActionOutcome } from "./actionOutcome.js"

/** What a caller wants signed: what the artifacts of runs say. */
export interface AttestRequest extends RegistryOptionsOfCall, SigningOptions {
  readonly artifacts: Directory
  readonly origin?: string | undefined
}

/**
 * Signs what runs say of their images, once the registry does not contradict it. Runs nothing of an image.
 * @throws InputError for mistakes in the source, the options or the artifacts; nothing was signed then
 */
export async function attest(request: AttestRequest): Promise<ActionOutcome> {
  const { spec } = await openSource(request.source)
  const login = loginOf(request)
  const runs = await readRuns(request)
  const problems = runs.flatMap(({ plan }) => tagDifferences(plan, spec.tags))
  if (problems.length > 0)
    throw new InputError(problems.map((message) => wrongArtifacts(`plan.json: ${message}`)))
  const signer = await signerOf(request)
  if (signer === undefined) {
    const hint = "--signing-key=... , or --oidc-url=... and --oidc-token=... in a workflow"
    throw new InputError([{ location: atOption("--signing-key"), message: "nobody signs", hint }])
  }
  const store = (await RegistrySession.open(login)).client
  const repositories = publishedAs(spec, request.registry)
  const believer = await ownBeliever(signer, spec)
  const places = { repositories, platforms: platformsOfImages(spec) }
  const attesting = { store, signer, believer, patience: writersPatience, ...places }
  return resultOf(await attestImages(runs, attesting), signer.name)
}

/** The runs whose artifacts lie in a folder, or in folders of it. */
async function readRuns({ artifacts, origin }: AttestRequest): Promise<readonly RunClaims[]> {
  const folder = await mkdtemp(join(tmpdir(), "attest-"))
  const include = ["report.json", "plan.json", "*stack.Dockerfile", "junit/*.xml", "sbom/*.spdx.json"]
  await artifacts.filter({ include: include.map((path) => `**/${path}`) }).export(folder)
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  // A link would be somebody else's file.
  const paths = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
  // Other functions leave a report, too, but no plan.
  const isRun = (path: string) => paths.includes(join(dirname(path), "plan.json"))
  const reports = paths.filter((path) => path.endsWith("/report.json") && isRun(path)).sort()
  if (reports.length === 0)
    throw new InputError([
      wrongArtifacts("there is no report.json with a plan.json, as build-stack leaves them"),
    ])
  return Promise.all(reports.map((report) => readRun(folder, dirname(report), paths, origin)))
}

async function readRun(
  root: string,
  folder: string,
  paths: readonly string[],
  origin: string | undefined,
): Promise<RunClaims> {
  const place = folder.slice(root.length + 1)
  try {
    const own = paths.filter((path) => path.startsWith(`${folder}/`) && !path.endsWith("/report.json"))
    const hashed = own.map(async (path) => {
      const sha256 = createHash("sha256")
        .update(await readFile(path))
        .digest("hex")
      return [path.slice(folder.length + 1), sha256] as const
    })
    return {
      report: readClaimedRun(await readFile(join(folder, "report.json"), "utf8")),
      plan: readPlan(await readFile(join(folder, "plan.json"), "utf8")),
      files: new Map((await Promise.all(hashed)).sort(([a], [b]) => (a < b ? -1 : 1))),
      source: origin === undefined ? undefined : webAddress(origin),
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new InputError([
      wrongArtifacts(`${place === "" ? "" : `${place}: `}${reason.replaceAll(root, "")}`),
    ])
  }
}

function wrongArtifacts(message: string) {
  return { location: atOption("--artifacts"), message }
}

function resultOf(images: readonly AttestedImage[], signer: string): ActionOutcome {
  const failed = images.filter(({ problem }) => problem !== undefined)
  const ok = failed.length === 0
  const rows = images.map(({ image, platform, attached, kept, problem }) => [
    codeCell(platform === undefined ? image : `${image} (${platform})`),
    problem === undefined ? plainText(attached.join(", ") || "nothing new") : "FAILED",
    plainText(problem ?? (kept.length === 0 ? "" : `there already: ${kept.join(", ")}`)),
  ])
  const named = (of: readonly AttestedImage[]) => [...new Set(of.map(({ image }) => image))]
  const sentence = ok
    ? `Signed by ${signer}: ${plural(named(images).length, "image")}.`
    : `Not signed: ${named(failed).join(", ")}.`
  return {
    ok,
    report: { version: 1, kind: "attested", signer, images },
    markdown: [
      `# ${ok ? "✅" : "❌"} attest`,
      images.length === 0
        ? "The run built and tested no image: there is nothing to sign."
        : plainText(sentence),
      ...(images.length === 0 ? [] : [table(["Image", "Signed", ""], rows)]),
      "",
    ].join("\n\n"),
  }
}
