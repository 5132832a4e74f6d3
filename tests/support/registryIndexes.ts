import { createHash } from "node:crypto"
import type { Repository } from "../../dagger/lib/reference/reference.js"
import type { RegistryClient } from "../../dagger/lib/registry/client.js"
import { joinIndex } from "../../dagger/lib/registry/joinIndex.js"
import { labels } from "../../dagger/lib/registry/labels.js"
import type { PushTarget, TestImage } from "./registryImages.js"
import { pushImage } from "./registryImages.js"

/** The platforms of the indexes that tests join. */
export const [amd, arm] = ["linux/amd64", "linux/arm64"] as const

/** An index in a registry, with what it lists. */
export interface JoinedImage {
  readonly digest: string
  readonly amd64: string
  readonly arm64: string
}

/** What tells one image from another, and what runs write of it. */
export interface JoinedContent {
  /** Content of the image for amd64, and of that for arm64. */
  readonly contents: readonly [string, string]
  /** Commits that these were built from. */
  readonly commits: readonly [string, string]
  /** Commit of the run that joins them. */
  readonly commit: string
  /** ISO 8601. */
  readonly created?: string
}

/**
 * Publishes an image for two platforms as a run does: each as a candidate of its own, then the index of both. Images of
 * the same content and commit are the same, whatever index they are in.
 */
export async function pushJoined(
  target: PushTarget,
  client: RegistryClient,
  repository: Repository,
  tag: string,
  { contents, commits, commit, created = "2026-10-01T08:00:00Z" }: JoinedContent,
): Promise<JoinedImage> {
  const push = async (index: 0 | 1, platform: string): Promise<string> => {
    const image: TestImage = {
      layers: ["base", contents[index]],
      labels: { [labels.revision]: commits[index] },
      annotations: { [labels.inputKey]: contents[index], [labels.revision]: commits[index] },
      created,
      platform,
    }
    return pushImage(target, `${repository.path}:candidate-${keyOf(contents[index], platform)}`, image)
  }
  const [amd64, arm64] = await Promise.all([push(0, amd), push(1, arm)])
  const images = [
    { platform: amd, digest: amd64 },
    { platform: arm, digest: arm64 },
  ]
  const digest = await joinIndex(client, repository, images, new Map([[labels.revision, commit]]), tag)
  return { digest, amd64, arm64 }
}

/** Sixteen hexadecimal digits, as in the tags of candidates. */
function keyOf(content: string, platform: string): string {
  return createHash("sha256").update(`${platform} ${content}`).digest("hex").slice(0, 16)
}
