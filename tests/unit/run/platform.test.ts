import { describe, expect, test } from "vitest"
import { InputError } from "../../../dagger/lib/problems.js"
import type { PlatformEngine } from "../../../dagger/lib/engine/platform.js"
import { choosePlatform } from "../../../dagger/lib/engine/platform.js"

/** An engine that says this of itself: no other machine is at hand. */
function engineOf(own: string, architectureFor: PlatformEngine["architectureFor"]): PlatformEngine {
  return { own: () => Promise.resolve(own), architectureFor }
}

const cannot = engineOf("linux/arm64/v8", () => Promise.reject(new Error("exec format error")))
const emulates = engineOf("linux/arm64", () => Promise.resolve("amd64"))

describe("what is built", () => {
  test("is of the published platform where the engine runs on it, without asking more", async () => {
    const engine = engineOf("linux/amd64", () => Promise.reject(new Error("not to be asked")))
    expect(await choosePlatform("linux/amd64", "together", engine)).toEqual({
      platform: "linux/amd64",
      isEmulated: false,
      notices: [],
    })
    const arm = engineOf("linux/arm64/v8", () => Promise.reject(new Error("not to be asked")))
    expect(await choosePlatform("linux/arm64", "together", arm)).toEqual({
      platform: "linux/arm64",
      isEmulated: false,
      notices: [],
    })
  })

  test("is of the published platform where the engine emulates it, with a word", async () => {
    expect(await choosePlatform("linux/amd64", "together", emulates)).toEqual({
      platform: "linux/amd64",
      isEmulated: true,
      notices: ["built for linux/amd64 on an engine of linux/arm64: emulated, and slower"],
    })
  })

  test("is of the engine's own platform otherwise, and called so", async () => {
    expect(await choosePlatform("linux/amd64", "nothing", cannot)).toEqual({
      platform: "linux/arm64",
      isEmulated: false,
      notices: [
        "built for linux/arm64, and not for linux/amd64: this engine runs on linux/arm64, and builds nothing for linux/amd64: exec format error",
      ],
    })
  })

  test("is not published then", async () => {
    const refused = choosePlatform("linux/amd64", "candidates", cannot)
    await expect(refused).rejects.toThrow(InputError)
    await expect(refused).rejects.toThrow(
      "this engine runs on linux/arm64, and builds nothing for linux/amd64: exec format error",
    )
  })

  test("does not believe a registry that gives another platform's image", async () => {
    const own = engineOf("linux/arm64", () => Promise.resolve("arm64"))
    const chosen = await choosePlatform("linux/amd64", "nothing", own)
    expect(chosen.platform).toBe("linux/arm64")
    expect(chosen.notices[0]).toContain("a container for it is one of arm64")
  })
})
