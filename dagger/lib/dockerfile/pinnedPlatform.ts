import type { Problem } from "../problems.js"
import type { ImageDraft } from "./draft.js"
import { configuringStages } from "./notices.js"

/** Other names of architectures, as containerd's `platforms.Parse` takes them. */
const architectures: Readonly<Record<string, string>> = {
  x86_64: "amd64",
  "x86-64": "amd64",
  aarch64: "arm64",
}

/**
 * The contradiction of an image whose last stage, or one below it, pins another platform than the run's: it would be
 * published under the key, the labels and the page of a platform that it does not have, as the engine answers with the
 * one that was asked for. Stages that only files are taken from may be for any.
 * @param platform of the run; `linux/amd64`
 */
export function platformProblems(image: ImageDraft, platform: string | undefined): readonly Problem[] {
  if (platform === undefined) return []
  return configuringStages(image).flatMap(({ platform: pinned }) => {
    if (pinned === undefined || familyOf(pinned.value) === platform) return []
    const message = `this makes ${image.spec.name} an image for ${pinned.value}, and the run is for ${platform}`
    const hint = `leave --platform out, or name the platform of all images in spec.yml`
    return [{ location: pinned.location, message, hint }]
  })
}

/** `amd64`, `linux/x86_64` and `linux/arm64/v8` as `os/architecture`; a system alone is that of the run. */
function familyOf(written: string): string {
  const words = written.toLowerCase().split("/")
  const [os = "", architecture = ""] = words.length === 1 ? ["linux", ...words] : words
  return `${os}/${architectures[architecture] ?? architecture}`
}
