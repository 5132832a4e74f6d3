import { describe, expect, test } from "vitest"
import type { PlatformEngine } from "../../../dagger/lib/engine/platform.js"
import { choosePlatforms, platformOfCall } from "../../../dagger/lib/engine/platform.js"
import {
  namedPlatforms,
  refusePartialTags,
  requireBuiltElsewhere,
  requirePlatformOf,
} from "../../../dagger/lib/gather/platforms.js"
import type { Plan, Step } from "../../../dagger/lib/plan/planDocument.js"

const amd = "linux/amd64"
const arm = "linux/arm64"
const both = [amd, arm] as const

/** An engine of linux/amd64 that runs arm64, or says why not. */
function engineOf(runsArm: boolean): PlatformEngine {
  const architectureFor = () =>
    runsArm ? Promise.resolve("arm64") : Promise.reject(new Error("exec format error"))
  return { own: () => Promise.resolve(amd), architectureFor }
}

describe("of several platforms", () => {
  test("the engine builds its own, and the other by emulation", async () => {
    expect(await choosePlatforms(both, "together", engineOf(true))).toEqual([
      { platform: amd, isEmulated: false, notices: [] },
      {
        platform: arm,
        isEmulated: true,
        notices: ["built for linux/arm64 on an engine of linux/amd64: emulated, and slower"],
      },
    ])
  })

  const why = "this engine runs on linux/amd64, and builds nothing for linux/arm64: exec format error"

  test("one that it cannot run is left out with a word, where nothing is published", async () => {
    expect(await choosePlatforms(both, "nothing", engineOf(false))).toEqual([
      { platform: amd, isEmulated: false, notices: [`not built for linux/arm64: ${why}`] },
    ])
  })

  test("it stays where images are published: it may have been built elsewhere", async () => {
    const chosen = await choosePlatforms(both, "candidates", engineOf(false))
    expect(chosen).toMatchObject([{ platform: amd }, { platform: arm, unable: why }])
  })

  test("a call about one image is for the engine's own, else for the first, or as it says", async () => {
    const engine = engineOf(true)
    expect(await platformOfCall([arm, amd], undefined, engine)).toBe(amd)
    expect(await platformOfCall([arm], undefined, engine)).toBe(arm)
    expect(await platformOfCall(both, arm, engine)).toBe(arm)
  })
})

describe("--platform", () => {
  const spec = { platforms: both }

  test("names some of the stack's, in the order of the spec", () => {
    expect(namedPlatforms(spec, [])).toEqual(both)
    expect(namedPlatforms(spec, [arm, amd])).toEqual(both)
    expect(namedPlatforms(spec, [arm])).toEqual([arm])
    expect(() => namedPlatforms(spec, ["linux/s390x"])).toThrow(
      '--platform: "linux/s390x" is no platform of the stack (its platforms: linux/amd64 and linux/arm64)',
    )
    expect(() => {
      requirePlatformOf("rstudio", [amd], arm)
    }).toThrow('"linux/arm64" is no platform of rstudio (its platforms: linux/amd64)')
  })

  test("moves no tags with it, where some are missing", () => {
    const check = (publishing: "nothing" | "candidates" | "together", built: readonly string[]) => () => {
      refusePartialTags(spec, built, publishing)
    }
    expect(check("nothing", [arm])).not.toThrow()
    expect(check("candidates", [arm])).not.toThrow()
    expect(check("together", both)).not.toThrow()
    expect(check("together", [arm])).toThrow(
      "the tags of this run would lose linux/amd64 (add --candidates-only",
    )
  })
})

describe("a platform that this engine cannot run", () => {
  const planOf = (
    actions: Readonly<Record<string, "build" | "retest" | "retag" | "reuse" | "skip">>,
    reasons: Step["reasons"] = [],
  ): Plan => ({
    version: 1,
    tag: "2026.4-main",
    branch: "main",
    platform: arm,
    publish: true,
    comparedWith: "nothing",
    imagesChanged: [],
    steps: Object.entries(actions).map(([image, action]) => ({ image, action, reasons }) as Step),
    notices: [],
  })
  const unable = { platform: arm, isEmulated: true, unable: "it cannot", notices: [] }

  test("has to be built and tested elsewhere before", () => {
    expect(() => {
      requireBuiltElsewhere(planOf({ a: "build", b: "retest", c: "retag" }), unable)
    }).toThrow(
      /a is not built for linux\/arm64 yet, and it cannot \(call build-stack .*--platform=linux\/arm64 on an engine.*\n.*b is not tested for linux\/arm64 yet/,
    )
  })

  test("is built by main itself where that believes no other run: no call elsewhere would help", () => {
    const refuse = () => {
      requireBuiltElsewhere(planOf({ a: "build" }, [{ kind: "registry-not-trusted" }]), unable)
    }
    expect(refuse).toThrow("a is built on main itself for linux/arm64 (trust_registry: false), and it cannot")
    expect(refuse).toThrow('let it believe signers: "trust" instead of "trust_registry: false"')
    expect(refuse).not.toThrow("--candidates-only")
  })

  test("is no matter where that was done", () => {
    expect(() => {
      requireBuiltElsewhere(planOf({ a: "retag", b: "reuse", c: "skip" }), unable)
    }).not.toThrow()
    expect(() => {
      requireBuiltElsewhere(planOf({ a: "build" }), { platform: amd, isEmulated: false, notices: [] })
    }).not.toThrow()
  })
})
