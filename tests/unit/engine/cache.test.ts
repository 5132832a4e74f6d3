import { describe, expect, it } from "vitest"
import { engineShell, stateFolder } from "../../support/engineShell.js"

describe("the cache's limit", () => {
  it.each([
    [undefined, "40960"],
    ["1GB", "1024"],
    ["700MB", "700"],
  ])("%s is %s MB", async (limit, megabytes) => {
    const env = limit === undefined ? {} : { STACK_ENGINE_CACHE: limit }
    expect((await engineShell(await stateFolder(), 'echo "$limit_megabytes"', env)).stdout.trim()).toBe(
      megabytes,
    )
  })

  it.each(["0GB", "40", "40 GB", "-1GB", "1.5GB", "40gb", "09MB"])("cannot be %s", async (limit) => {
    const { status, stderr } = await engineShell(await stateFolder(), "true", {
      STACK_ENGINE_CACHE: limit,
    })
    expect(status).toBe(1)
    expect(stderr).toContain(`STACK_ENGINE_CACHE must be a whole number with GB or MB behind it`)
    expect(stderr).toContain(`not "${limit}"`)
  })
})

describe("something is cleared away", () => {
  it.each([
    ["when nobody knows how much there is", undefined, 20_000, 99_000, "yes"],
    ["not when nothing was added", "39000 20000", 20_000, 99_000, "no"],
    ["when the cache may be beyond its limit", "39000 20000", 22_000, 99_000, "yes"],
    ["not as long as it is below", "30000 20000", 22_000, 99_000, "no"],
    ["when the disk is short", "30000 20000", 22_000, 10_000, "yes"],
    ["not each time, where the disk stays short", "30000 20000", 21_000, 10_000, "no"],
    ["not when others have made room", "39000 20000", 10_000, 99_000, "no"],
  ])("%s", async (_, measured, used, free, expected) => {
    const script = `
      ${measured === undefined ? "" : `echo '${measured}' >"$measured"`}
      disk_megabytes() { case $1 in used) echo ${String(used)} ;; avail) echo ${String(free)} ;; esac; }
      if crowded; then echo yes; else echo no; fi`
    expect(await engineShell(await stateFolder(), script)).toEqual({
      status: 0,
      stdout: `${expected}\n`,
      stderr: "",
    })
  })
})
