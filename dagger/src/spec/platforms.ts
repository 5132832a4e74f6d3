/** What images can be published for, as the OCI image specification writes it: `os/architecture`. */
export const platforms = ["linux/amd64", "linux/arm64"] as const

/** Where the spec names none: what most clusters run on. */
export const usualPlatform = "linux/amd64" satisfies PublishedPlatform

export type PublishedPlatform = (typeof platforms)[number]
