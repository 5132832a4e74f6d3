import { linkedDockerfile } from "../dockerfile/link.js"
import type { Prepared, PreparedStack } from "../gather/prepare.js"
import { firstPlatform } from "../gather/prepare.js"
import { publishedFacts } from "../gather/publishedFacts.js"
import type { RegistrySession } from "../gather/registrySession.js"
import { planMarkdown } from "../plan/markdown.js"
import { imagesChangedText } from "../plan/planDocument.js"
import type { SourceFacts } from "../report/report.js"
import type { ArtifactTexts } from "../run/artifacts.js"
import type { EndedImage } from "../run/execution.js"
import { factsName, renderManifests } from "../run/manifests.js"
import { platformInPaths } from "../spec/platforms.js"

/** The plan, the linked Dockerfile and the images' manifests, by path in the artifacts. */
export async function pagesOf(
  stack: PreparedStack,
  source: SourceFacts,
  startedAt: number,
  images: readonly EndedImage[],
  registry: RegistrySession,
): Promise<ArtifactTexts> {
  const { plan, platforms } = stack
  const { spec, git } = firstPlatform(stack)
  const { tag, platform } = plan
  const { remoteUrl } = git
  const published = await publishedFacts(
    registry.client,
    images.flatMap(({ job, digest, platforms: parts = [] }) => [
      { ...job, digest },
      ...(parts.length < 2 ? [] : parts).map((part) => ({
        name: factsName(job.name, part.platform),
        repository: job.repository,
        digest: part.image.digest,
      })),
    ]),
    platform,
  )
  return new Map([
    ["plan.json", `${JSON.stringify(plan, null, 2)}\n`],
    ["plan.md", planMarkdown(plan)],
    ["artifacts/IMAGES_CHANGED", imagesChangedText(plan)],
    ...platforms.map(dockerfileOf),
    ...renderManifests(images, { spec, tag, platform, startedAt, source, remoteUrl, published }),
  ])
}

/** The linked text of the first platform has the usual name; of another one it has the platform's in it. */
function dockerfileOf({ linked, plan }: Prepared, index: number): readonly [string, string] {
  const name = index === 0 ? linkedDockerfile : `${platformInPaths(plan.platform)}.${linkedDockerfile}`
  return [name, linked.whole.dockerfile]
}
