import { Container, dag, Platform } from "@dagger.io/dagger"
import { atOption, InputError } from "../problems.js"
import { engineMessage } from "./engineError.js"
import type { Publishing } from "../report/report.js"
import { nodeImage } from "./toolbox.js"

/** What an engine says of platforms. */
export interface PlatformEngine {
  /** The one that it runs on: `linux/arm64/v8`. */
  readonly own: () => Promise<string>
  /** What Debian calls the architecture that a container for this platform really has. @throws where none starts */
  readonly architectureFor: (platform: string) => Promise<string>
}

/** The platform of a run: everything in it is built, keyed, labelled and reported for this one. */
export interface ChosenPlatform {
  readonly platform: string
  /** What to know where it is not the engine's own, or not the one that images are published for. */
  readonly notices: readonly string[]
}

/** The engine of this call. */
export const thisEngine: PlatformEngine = {
  own: () => dag.defaultPlatform(),
  architectureFor: async (platform) => {
    const probe = dag.container({ platform: platform as Platform }).from(nodeImage)
    return (await probe.withExec(["dpkg", "--print-architecture"]).stdout()).trim()
  },
}

/**
 * What an engine builds for: the platform that images are published for, by emulation where it is another one than its
 * own. Where it cannot do that, it builds for its own; keys differ by platform, so nothing is taken for the other.
 * @param published platform of the spec
 * @throws InputError where images of another platform than that would be published
 */
export async function choosePlatform(
  published: string,
  publishing: Publishing,
  engine = thisEngine,
): Promise<ChosenPlatform> {
  const own = familyOf(await engine.own())
  if (own === published) return { platform: published, notices: [] }
  const why = await whyNotRun(published, engine)
  if (why === undefined) {
    return {
      platform: published,
      notices: [`built for ${published} on an engine of ${own}: emulated, and slower`],
    }
  }
  const stated = `this engine runs on ${own}, and builds nothing for ${published}: ${why}`
  if (publishing === "nothing") {
    return { platform: own, notices: [`built for ${own}, and not for ${published}: ${stated}`] }
  }
  const hint = `publish from an engine of ${published}, give this one an emulator (binfmt), or name its platform in spec.yml`
  throw new InputError([{ location: atOption("--publish"), message: stated, hint }])
}

/** Why the engine cannot run programs of a platform; undefined where it can. */
async function whyNotRun(platform: string, engine: PlatformEngine): Promise<string | undefined> {
  try {
    const architecture = await engine.architectureFor(platform)
    return `linux/${architecture}` === platform ? undefined : `a container for it is one of ${architecture}`
  } catch (error) {
    return engineMessage(error)
  }
}

/** Without the variant that all of the 64 bit have: `linux/arm64/v8` is `linux/arm64`. */
function familyOf(platform: string): string {
  return platform.split("/").slice(0, 2).join("/")
}

/**
 * A published image that is what it is said to be.
 * @throws Error where it is for another platform: what a tag names may be anything
 */
export async function ofPlatform(container: Container, platform: string): Promise<Container> {
  const real = familyOf(await container.platform())
  if (real !== familyOf(platform)) throw new Error(`the image is for ${real}, and not for ${platform}`)
  return container
}
