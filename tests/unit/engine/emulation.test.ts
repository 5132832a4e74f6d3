import { execFileSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { stateFolder } from "../../support/engineShell.js"
import { checkout } from "../../support/stack.js"

/** What the kernel shows of an interpreter. */
const shown = (flags = "PF", state = "enabled", machine = "b700") =>
  `${state}\ninterpreter /usr/bin/qemu\nflags: ${flags}\noffset 0\nmagic 7f454c460201010000000000000000000200${machine}\nmask ff\n`

/** A script with the engine's functions where the kernel has these interpreters, by name. */
async function withInterpreters(interpreters: Readonly<Record<string, string>>, script: string) {
  const home = await stateFolder()
  for (const folder of ["run", "kernel", "images"]) mkdirSync(join(home, folder))
  const files = { register: "", status: "enabled\n", ...interpreters }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(home, "kernel", name), text)
  const text = `set -eu
    mount --bind '${home}/kernel' /proc/sys/fs/binfmt_misc
    . '${checkout}/engine/lib/common.sh'; . '${checkout}/engine/lib/processes.sh'
    . '${checkout}/engine/lib/network.sh'; . '${checkout}/engine/lib/emulation.sh'
    ${script}`
  const env = { ...process.env, STACK_ENGINE_HOME: home, STACK_ENGINE_NETWORK_NAME: "own" }
  return execFileSync("unshare", ["--mount", "bash", "-c", text], { env }).toString().trim()
}

describe.skipIf(process.getuid?.() !== 0)("what runs programs for linux/arm64", () => {
  it.each([
    ["none", {}, "no"],
    ["Debian's own", { "qemu-aarch64": shown() }, "yes"],
    ["this engine's", { "stack-own-aarch64": shown() }, "yes"],
    ["another engine's, which goes with it", { "stack-other-aarch64": shown() }, "no"],
    [
      "another engine's beside this one's",
      { "stack-other-aarch64": shown(), "stack-own-aarch64": shown() },
      "yes",
    ],
    ["one that does not reach into containers", { "qemu-aarch64": shown("P") }, "no"],
    ["one that is switched off", { "qemu-aarch64": shown("PF", "disabled") }, "no"],
    ["one for another machine", { "qemu-riscv64": shown("PF", "enabled", "f300") }, "no"],
  ])("%s", async (_, interpreters, expected) => {
    expect(await withInterpreters(interpreters, "runs_aarch64 && echo yes || echo no")).toBe(expected)
  })

  it("counts as there with the newer Debian only where a call starts from that one", async () => {
    const script = `
      mirror_is_filled() { true; }
      touch "$home"/images/{debian,node}-arm64
      for images in "" debian:bookworm-slim "debian:bookworm-slim debian:$STACK_DEBIAN_SUITE-slim"; do
        emulates $images && echo yes || echo no
      done
      touch "$home/images/debian-stack-arm64"
      emulates debian:$STACK_DEBIAN_SUITE-slim && echo yes || echo no`
    expect(await withInterpreters({ "qemu-aarch64": shown() }, script)).toBe("yes\nyes\nno\nyes")
  })
})
