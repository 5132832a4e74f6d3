import { BlockList, isIP } from "node:net"

/** Loopback, the private networks of RFC 1918, and the unique local addresses of RFC 4193. */
const privateNetworks = new BlockList()
privateNetworks.addSubnet("127.0.0.0", 8)
privateNetworks.addSubnet("10.0.0.0", 8)
privateNetworks.addSubnet("172.16.0.0", 12)
privateNetworks.addSubnet("192.168.0.0", 16)
privateNetworks.addAddress("::1", "ipv6")
privateNetworks.addSubnet("fc00::", 7, "ipv6")

/**
 * Whether a host may be sent a secret by plain HTTP: the own machine, and literal private addresses. No other name may,
 * whatever it looks like: a resolver decides where `10.example.org` or `registry` leads.
 * @param host without a port; an IPv6 address with or without brackets
 */
export function mayHearSecretInClear(host: string): boolean {
  const address = host.replace(/^\[(.*)\]$/, "$1")
  const version = isIP(address)
  if (version === 0) return host.toLowerCase() === "localhost"
  return privateNetworks.check(address, version === 4 ? "ipv4" : "ipv6")
}
