import { execFileSync } from "node:child_process"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { stateFolder } from "../../support/engineShell.js"
import { checkout } from "../../support/stack.js"

/** A script with the engine's functions, in a network of its own, which a new machine's is like. */
async function inOwnNetwork(script: string): Promise<string> {
  const home = await stateFolder()
  mkdirSync(join(home, "run"), { recursive: true })
  const text = `set -eu
    . '${checkout}/engine/lib/common.sh'; . '${checkout}/engine/lib/network.sh'
    forwarding() { cat /proc/sys/net/ipv4/ip_forward; }
    ${script}`
  const env = {
    ...process.env,
    STACK_ENGINE_HOME: home,
    STACK_ENGINE_NETWORK_NAME: "own",
    STACK_ENGINE_NETWORK: "10.94.0.0/16",
  }
  return execFileSync("unshare", ["--net", "bash", "-c", text], { env }).toString().trim()
}

describe.skipIf(process.getuid?.() !== 0)("what up switches on in the machine", () => {
  it.each([
    ["was off, is off again after down", 0, "", "0"],
    ["was on, stays on", 1, "", "1"],
    ["was off, stays on where another bridge may need it", 0, "ip link add other0 type bridge", "1"],
  ])("forwarding that %s", async (_, before, between, after) => {
    const script = `
      echo ${String(before)} >/proc/sys/net/ipv4/ip_forward
      make_bridge; make_bridge
      echo 1 >/proc/sys/net/ipv4/ip_forward # as the network plugins do
      ${between}
      remove_network
      forwarding`
    expect(await inOwnNetwork(script)).toBe(after)
  })

  it("the bridge has its address from the start, and is gone after down", async () => {
    const show = "ip -brief address show own0 2>/dev/null | tr -s ' ' || echo none"
    expect(
      await inOwnNetwork(`make_bridge; ${show}; remove_network; ip link show own0 2>/dev/null || echo gone`),
    ).toMatch(/^own0 \S+ 10\.94\.0\.1\/16.*\ngone$/)
  })

  // Else those that stay send to an address that is gone: no answer for up to 50 s.
  it.each([
    ["that it makes", ""],
    ["that is there already", "ip link add own0 type bridge; ip link set own0 up"],
  ])("a bridge %s keeps its MAC address while containers come and go", async (_, before) => {
    const script = `
      ${before}
      make_bridge
      mac() { ip -brief link show own0 | awk '{ print $3 }'; }
      attach() { ip link add "$1" address "$2" type veth peer name "$1-inside"; ip link set "$1" master own0 up; }
      first=$(mac)
      attach stays 0e:00:00:00:00:01; attach leaves 02:00:00:00:00:01; both=$(mac)
      ip link delete leaves
      echo "$both $(mac)" | sed "s/$first/same/g"`
    expect(await inOwnNetwork(script)).toBe("same same")
  })
})
