import type { Spec } from "./spec.js"

/** What images can be published for, as the OCI image specification writes it: `os/architecture`. */
export const platforms = ["linux/amd64", "linux/arm64"] as const

/** Where the spec names none: what most clusters run on. */
export const usualPlatform = "linux/amd64" satisfies PublishedPlatform

export type PublishedPlatform = (typeof platforms)[number]

/** Name of an image, and which of several platforms: `base (linux/arm64)`. */
export function platformLabel(name: string, platform: string | undefined): string {
  return platform === undefined ? name : `${name} (${platform})`
}

/** A platform as names of files and folders have it: `linux-arm64`. */
export function platformInPaths(platform: string): string {
  return platform.replaceAll("/", "-")
}

/** What each image is published for. */
export function platformsOfImages({ images }: Pick<Spec, "images">): ReadonlyMap<string, readonly string[]> {
  return new Map([...images.values()].map(({ name, platforms: own }) => [name, own]))
}

/** How images of a platform that the engine emulates are tested, which takes 4 to 40 times as long. */
export const emulatedTests = ["full", "smoke", "none"] as const

/**
 * `full`: as on the platform itself. `smoke`: only tests whose name or marker says so. `none`: the image is built, and
 * that is all.
 */
export type EmulatedTests = (typeof emulatedTests)[number]
