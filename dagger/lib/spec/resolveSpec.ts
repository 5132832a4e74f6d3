import { parseRepository } from "../reference/reference.js"
import { usualMainBranch } from "../tag/branchTag.js"
import { parseDays, parseDuration, parseSize } from "../text/quantity.js"
import { namesAt } from "./facts.js"
import type { SourceTree } from "../source/sourceTree.js"
import { argumentsOf } from "./argumentsFile.js"
import { furtherTagsOf } from "./furtherTagRules.js"
import { buildTargetOf, imagePathsOf, imagesDirectory, pathOf } from "./imagePaths.js"
import { imagePlatforms, stackPlatforms } from "./platformRules.js"
import type { ChangeRules, GpuSpec, ImageSpec, InfoCommand, Spec, TestSpec } from "./spec.js"
import { resolveVulnerabilities } from "./vulnerabilityRules.js"
import type { WrittenImage, WrittenSpec } from "./writtenSpec.js"
import { resolveTrust } from "./writtenTrust.js"
import type { Place, YamlFile } from "./yamlFile.js"

/** A spec without mistakes, as written. */
export interface CheckedSpec {
  readonly path: string
  readonly file: YamlFile
  readonly written: WrittenSpec
  readonly changeRules: ChangeRules
  readonly tree: SourceTree
}

/** Fills in what was left out, and takes versions as they were written instead of as numbers. */
export function resolveSpec({ path, file, written, changeRules, tree }: CheckedSpec): Spec {
  const images = new Map(
    inFileOrder(written.images, file.at("images")).map(([name, image]) => [
      name,
      resolveImage(name, { max_age: written.max_age, ...image }, file, tree),
    ]),
  )
  const hubVersion = file.at("hub", "version")?.text
  return {
    path,
    imagesDirectory,
    images,
    tags: {
      form: written.tag.scheme ?? "quarter",
      prefix: textOf(file.at("tag", "prefix")),
      mainBranch: written.main_branch ?? usualMainBranch,
      reserved: Math.max(...[...images.values()].map(({ tagPrefix = "" }) => tagPrefix.length)),
    },
    infoCommands: infoCommandsOf(written.all_info_cmds, file),
    changeRules,
    tests: resolveTests(written.tests),
    platforms: stackPlatforms(file),
    emulatedTests: written.tests?.emulated ?? "full",
    trustRegistry: written.trust_registry ?? true,
    ...(written.trust !== undefined && { trust: resolveTrust(written.trust, tree) }),
    ...(hubVersion !== undefined && { hub: { version: hubVersion } }),
    ...(written.gpu !== undefined && { gpu: resolveGpu(written.gpu, file) }),
    ...(written.vulnerabilities !== undefined && {
      vulnerabilities: resolveVulnerabilities(written.vulnerabilities, file),
    }),
    ...(written.wiki !== undefined && { wiki: written.wiki }),
    ...(written.registry !== undefined && { registry: written.registry }),
  }
}

function resolveImage(name: string, written: WrittenImage, file: YamlFile, tree: SourceTree): ImageSpec {
  const place = file.nearest(["images", name])
  const args = place.children.get("build_args")?.children ?? new Map<string, Place>()
  const parent = place.children.get("depend_on")?.text
  const tagPrefix = place.children.get("tag_prefix")?.text
  const maxAge = written.max_age === undefined ? undefined : parseDays(written.max_age)
  const sizeBudget = written.size_budget === undefined ? undefined : parseSize(written.size_budget)
  return {
    name,
    ...imagePathsOf(name, place),
    ...buildTargetOf(place),
    repository: parseRepository(written.image_name),
    ...(tagPrefix !== undefined && { tagPrefix }),
    isPublished: written.publish ?? true,
    furtherTags: furtherTagsOf(file, place),
    buildArgs: new Map([
      ...argumentsOf(place, tree),
      ...[...args].map(([key, value]) => [key, textOf(value)] as const),
    ]),
    ...argumentsFileOf(place),
    ...labelsOf(place),
    ...(parent !== undefined && { parent }),
    copiesFrom: namesAt(place.children.get("copies_from")).map(textOf),
    integrationTests: written.integration_tests ?? false,
    ...(written.server_port !== undefined && { serverPort: written.server_port }),
    infoCommands: namesAt(place.children.get("info_cmds")).map(textOf),
    ...(sizeBudget !== undefined && { sizeBudget }),
    ...(maxAge !== undefined && { maxAge }),
    platforms: imagePlatforms(file, name),
    location: place.keyLocation,
  }
}

function argumentsFileOf(image: Place): Pick<ImageSpec, "buildArgsFile"> {
  const path = pathOf(image, "build_args_file")
  return path === undefined ? {} : { buildArgsFile: path }
}

function labelsOf(image: Place): Pick<ImageSpec, "labels"> {
  const place = image.children.get("labels")
  if (place === undefined || place.children.size === 0) return {}
  const values = new Map([...place.children].map(([name, value]) => [name, textOf(value)]))
  return { labels: { values, location: place.keyLocation } }
}

function infoCommandsOf(
  written: WrittenSpec["all_info_cmds"] = {},
  file: YamlFile,
): ReadonlyMap<string, InfoCommand> {
  const commands = inFileOrder(written, file.at("all_info_cmds"))
  return new Map(commands.map(([key, command]) => [key, { key, ...command }]))
}

/** Entries as they stand in the file: objects move keys that look like numbers to the front. */
function inFileOrder<Value>(
  values: Readonly<Record<string, Value>>,
  place: Place | undefined,
): readonly (readonly [string, Value])[] {
  const positions = [...(place?.children.keys() ?? [])]
  const rank = new Map(positions.map((key, position) => [key, position]))
  return Object.entries(values).toSorted(([a], [b]) => (rank.get(a) ?? 0) - (rank.get(b) ?? 0))
}

function resolveTests(written: WrittenSpec["tests"] = {}): TestSpec {
  const memoryBytes = written.memory === undefined ? undefined : parseSize(written.memory)
  return {
    timeoutSeconds: secondsOr(5 * 60, written.timeout),
    imageTimeoutSeconds: secondsOr(60 * 60, written.image_timeout),
    ...(memoryBytes !== undefined && { memoryBytes }),
  }
}

function resolveGpu(written: NonNullable<WrittenSpec["gpu"]>, file: YamlFile): GpuSpec {
  return {
    host: written.host,
    port: written.port ?? 22,
    user: written.user,
    image: textOf(file.at("gpu", "image")),
    launch: written.launch,
    tests: written.tests ?? "/opt/workflow_tests",
    timeoutSeconds: secondsOr(30 * 60, written.timeout),
    ...(written.host_key !== undefined && { hostKey: written.host_key }),
  }
}

function secondsOr(fallback: number, written: string | number | undefined): number {
  return (written === undefined ? undefined : parseDuration(written)) ?? fallback
}

function textOf(place: Place | undefined): string {
  return place?.text ?? ""
}
