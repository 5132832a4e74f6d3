import { expect, test } from "vitest"
import { mayHearSecretInClear } from "../../../dagger/lib/text/clearHost.js"

test.each([
  "localhost",
  "LOCALHOST",
  "127.0.0.1",
  "127.8.9.1",
  "10.87.0.1",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.1.1",
  "::1",
  "[::1]",
  "[fd12::1]",
  "[fc00::1]",
  "[::ffff:10.0.0.1]",
])("%s may hear a secret in clear text", (host) => {
  expect(mayHearSecretInClear(host)).toBe(true)
})

test.each([
  "10.evil.com",
  "127.0.0.1.evil.com",
  "192.168.evil.com",
  "172.16.0.1.nip.io",
  "localhost.evil.com",
  "fd.evil.com",
  "[fd.evil.com]",
  "registry",
  "",
  "10.0.0",
  "10.0.0.256",
  "128.0.0.1",
  "172.15.255.255",
  "172.32.0.1",
  "192.169.0.1",
  "0.0.0.0",
  "[fe00::1]",
  "[2001:db8::1]",
  "[::ffff:8.8.8.8]",
])("%j may not", (host) => {
  expect(mayHearSecretInClear(host)).toBe(false)
})
