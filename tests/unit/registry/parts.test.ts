import { describe, expect, it } from "vitest"
import { parseChallenge } from "../../../dagger/lib/registry/challenge.js"
import { registryEndpoint } from "../../../dagger/lib/registry/endpoint.js"
import { RegistryError } from "../../../dagger/lib/registry/registryError.js"
import type { RegistryFailure } from "../../../dagger/lib/registry/registryError.js"
import { defaultRetryPolicy, delayBefore, parseRetryAfter } from "../../../dagger/lib/registry/retry.js"
import { describeRetry } from "../../../dagger/lib/registry/traffic.js"

const now = Date.parse("2026-10-01T12:00:00Z")

it.each([
  ["2", 2000],
  ["0", 0],
  ["1.5", 1500],
  [String(Date.parse("2026-10-01T12:00:02Z") / 1000), 2000],
  [String(Date.parse("2026-10-01T11:00:00Z") / 1000), 0],
  ["999999999", 999_999_999_000],
  ["12.5ms", 13],
  ["1m30s", 90_000],
  ["350µs", 1],
  ["2h", 7_200_000],
  [" 3s ", 3000],
  ["Thu, 01 Oct 2026 12:00:07 GMT", 7000],
  ["Thu, 01 Oct 2026 11:00:00 GMT", 0],
  ["soon", undefined],
  ["-", undefined],
  ["", undefined],
  [null, undefined],
])("Retry-After %j is %s ms", (header, milliseconds) => {
  expect(parseRetryAfter(header, now)).toBe(milliseconds)
})

describe("delayBefore", () => {
  const failure = (kind: RegistryFailure, retryAfter?: number) =>
    new RegistryError({ kind, message: "", ...(retryAfter !== undefined && { retryAfter }) })
  const delay = (error: unknown, failed: number, random = 1) =>
    delayBefore(error, failed, defaultRetryPolicy, random)

  it("doubles from 0.1 s and ends after five tries", () => {
    const delays = [1, 2, 3, 4, 5].map((failed) => delay(failure("server"), failed))
    expect(delays).toEqual([100, 200, 400, 800, undefined])
  })

  it("has jitter downwards to a half, and an end to doubling", () => {
    expect(delay(failure("timeout"), 1, 0)).toBe(50)
    expect(delayBefore(failure("timeout"), 20, { ...defaultRetryPolicy, tries: 99 }, 1)).toBe(30_000)
  })

  it.each<[RegistryFailure, number]>([
    ["rate-limited", 5],
    ["server", 5],
    ["timeout", 5],
    ["network", 5],
    ["denied", 2],
    ["unknown-host", 2],
    ["unauthorized", 1],
    ["not-found", 1],
    ["bad-digest", 1],
    ["refused", 1],
    ["protocol", 1],
  ])("tries %s %i times", (kind, tries) => {
    let failed = 1
    while (delay(failure(kind), failed) !== undefined) failed += 1
    expect(failed).toBe(tries)
  })

  it("waits as long as the registry asks, but not for ever", () => {
    expect(delay(failure("rate-limited", 2500), 1)).toBe(2500)
    expect(delay(failure("rate-limited", 13), 1)).toBe(100)
    expect(delay(failure("rate-limited", 121_000), 1)).toBeUndefined()
  })

  it("does not repeat what is not the registry's failure", () => {
    expect(delay(new TypeError("a mistake of ours"), 1)).toBeUndefined()
  })
})

it.each([
  ['Basic realm="x"', { kind: "basic" }],
  ["basic", { kind: "basic" }],
  [
    'Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:a/b:pull"',
    { kind: "bearer", realm: "https://ghcr.io/token", service: "ghcr.io" },
  ],
  ['Basic realm="x", Bearer realm="https://r/t"', { kind: "bearer", realm: "https://r/t" }],
  [
    'Negotiate, BEARER Realm = "https://r/t" , service=plain',
    { kind: "bearer", realm: "https://r/t", service: "plain" },
  ],
  ['Bearer realm="https://r/\\"q\\"",error="insufficient_scope"', { kind: "bearer", realm: 'https://r/"q"' }],
  ["Bearer service=x", undefined],
  ["Digest realm=x", undefined],
  ["", undefined],
  [null, undefined],
])("challenge %j", (header, challenge) => {
  expect(parseChallenge(header)).toEqual(challenge)
})

it.each([
  ["ghcr.io", "https://ghcr.io/"],
  ["docker.io", "https://registry-1.docker.io/"],
  ["localhost:5000", "http://localhost:5000/"],
  ["localhost", "http://localhost/"],
  ["127.0.0.1:5000", "http://127.0.0.1:5000/"],
  ["127.8.9.1", "http://127.8.9.1/"],
  ["10.87.0.1:5000", "http://10.87.0.1:5000/"],
  ["172.16.0.1", "http://172.16.0.1/"],
  ["172.31.255.1", "http://172.31.255.1/"],
  ["172.32.0.1", "https://172.32.0.1/"],
  ["192.168.1.1:80", "http://192.168.1.1/"],
  ["192.169.1.1", "https://192.169.1.1/"],
  ["[::1]:5000", "http://[::1]:5000/"],
  ["[2001:db8::1]:5000", "https://[2001:db8::1]:5000/"],
  ["10.example.org", "https://10.example.org/"],
  ["localhost.example.org", "https://localhost.example.org/"],
  ["10.evil.com:80", "https://10.evil.com:80/"],
  ["registry:5000", "https://registry:5000/"],
  ["127.0.0.1.nip.io", "https://127.0.0.1.nip.io/"],
])("%s is reached at %s", (registry, url) => {
  expect(registryEndpoint(registry).href).toBe(url)
})

it("describes a retry in a line", () => {
  const event = {
    method: "GET",
    url: "https://r/v2/a",
    attempt: 1,
    tries: 5,
    waitMilliseconds: 1500,
    reason: "429",
  }
  expect(describeRetry({ kind: "retry", ...event })).toBe(
    "GET https://r/v2/a: try 1 of 5 failed (429); again after 1.5 s",
  )
})
