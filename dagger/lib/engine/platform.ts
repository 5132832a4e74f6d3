import { randomUUID } from "node:crypto"
import { Container, dag, Platform } from "@dagger.io/dagger"
import { atOption, InputError } from "../problems.js"
import { engineMessage } from "./engineError.js"
import { withoutVariant } from "../registry/imageFacts.js"
import type { Publishing } from "../report/report.js"
import { runnerImage } from "./judge.js"

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
  /** Whether the engine runs its programs by emulation. */
  readonly isEmulated: boolean
  /** Why the engine cannot run its programs: nothing can be built or tested for it. */
  readonly unable?: string
  /** What to know where it is not the engine's own, or not the one that images are published for. */
  readonly notices: readonly string[]
}

/** The engine of this call. */
export const thisEngine: PlatformEngine = {
  own: () => dag.defaultPlatform(),
  architectureFor: async (platform) => {
    const probe = dag
      .container({ platform: platform as Platform })
      .from(runnerImage)
      // What the machine could do when the engine was asked before is no answer.
      .withEnvVariable("STACK_PROBE", randomUUID())
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
  const own = withoutVariant(await engine.own())
  const found = await askedPlatform(published, own, engine)
  const { unable } = found
  if (unable === undefined) return found
  if (publishing === "nothing") {
    return {
      platform: own,
      isEmulated: false,
      notices: [`built for ${own}, and not for ${published}: ${unable}`],
    }
  }
  const hint = `publish from an engine of ${published}, give this one an emulator (binfmt), or name its platform in spec.yml`
  throw new InputError([{ location: atOption("--publish"), message: unable, hint }])
}

/**
 * What an engine builds for of the platforms of a stack. One of several that it cannot run is left out, with a notice;
 * where images are to be published it stays, as it may have been built elsewhere.
 * @param wanted at least one
 * @throws InputError as `choosePlatform` does, where there is one
 */
export async function choosePlatforms(
  wanted: readonly string[],
  publishing: Publishing,
  engine = thisEngine,
): Promise<readonly ChosenPlatform[]> {
  const [first, ...others] = wanted
  if (first === undefined) throw new RangeError("a run is for one platform at least")
  if (others.length === 0) return [await choosePlatform(first, publishing, engine)]
  const own = withoutVariant(await engine.own())
  const found = await Promise.all(wanted.map((platform) => askedPlatform(platform, own, engine)))
  if (publishing !== "nothing") return found
  const able = found.filter(({ unable }) => unable === undefined)
  if (able.length === 0) return [await choosePlatform(first, publishing, engine)]
  const left = found.flatMap(({ platform, unable }) =>
    unable === undefined ? [] : [`not built for ${platform}: ${unable}`],
  )
  return able.map((each, index) => (index === 0 ? { ...each, notices: [...each.notices, ...left] } : each))
}

/** Platforms by whether an engine runs their programs, as it is. */
export interface RunnablePlatforms {
  /** Its own: `linux/amd64`. */
  readonly own: string
  readonly able: readonly string[]
  readonly unable: readonly string[]
}

/** Which of some platforms an engine runs programs of. */
export async function runnablePlatforms(
  wanted: readonly string[],
  engine = thisEngine,
): Promise<RunnablePlatforms> {
  const own = withoutVariant(await engine.own())
  const found = await Promise.all(wanted.map((platform) => askedPlatform(platform, own, engine)))
  const able = found.filter((each) => each.unable === undefined).map(({ platform }) => platform)
  return { own, able, unable: wanted.filter((platform) => !able.includes(platform)) }
}

/** A platform as the engine takes it: its own, by emulation, or not at all. */
async function askedPlatform(platform: string, own: string, engine: PlatformEngine): Promise<ChosenPlatform> {
  if (own === platform) return { platform, isEmulated: false, notices: [] }
  const why = await whyNotRun(platform, engine)
  if (why === undefined) {
    const notices = [`built for ${platform} on an engine of ${own}: emulated, and slower`]
    return { platform, isEmulated: true, notices }
  }
  const unable = `this engine runs on ${own}, and builds nothing for ${platform}: ${why}`
  return { platform, isEmulated: true, unable, notices: [] }
}

/**
 * Which of an image's platforms a call about that image is for: what it names, else the engine's own where that is one of
 * them, else the first.
 * @param image its platforms, at least one
 */
export async function platformOfCall(
  image: readonly string[],
  named: string | undefined,
  engine = thisEngine,
): Promise<string> {
  if (named !== undefined) return named
  const [first = "", ...others] = image
  if (others.length === 0) return first
  const own = withoutVariant(await engine.own())
  return image.includes(own) ? own : first
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

/**
 * A published image that is what it is said to be.
 * @throws Error where it is for another platform: what a tag names may be anything
 */
export async function ofPlatform(container: Container, platform: string): Promise<Container> {
  const real = withoutVariant(await container.platform())
  if (real !== withoutVariant(platform)) throw new Error(`the image is for ${real}, and not for ${platform}`)
  return container
}
