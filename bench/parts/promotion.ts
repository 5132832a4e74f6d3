import { mkdtemp, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { tagGlobalStable } from "../../dagger/lib/promote/tagGlobalStable.js"
import { formatBytes } from "../../dagger/lib/text/format.js"
import type { FaultProxy } from "../../tests/support/faultProxy.js"
import { startFaultProxy } from "../../tests/support/faultProxy.js"
import type { TestRegistry } from "../../tests/support/registry.js"
import { startRegistry } from "../../tests/support/registry.js"
import { clientOf } from "../../tests/support/registryClient.js"
import { skopeoCopy, skopeoDigest } from "../../tests/support/registryImages.js"
import { contextOf, imageNames, imagesIn, pushSet } from "../../tests/support/registryWorld.js"
import { checkout, removeFolder, run } from "../../tests/support/stack.js"
import { formatSeconds, timed } from "../measure.js"
import type { BenchPart, Goal, Section } from "../part.js"
import { compiledTools } from "../tools.js"

const organisation = "team"
const source = "2026.4-stable"
/** Bytes of each image's largest layer: what must not move. */
const layerBytes = 1_000_000

/** What a way of giving images another tag sent and received. */
interface Cost {
  readonly who: string
  /** Whether it learns what the tag named before, and looks whether it stays. */
  readonly checks: boolean
  readonly requests: number
  /** Over the wire, headers included. */
  readonly bytes: number
  readonly milliseconds: number
}

/** A promotion reads the journal of the one before it, and writes its own. */
const journalRequests = 2

interface Front {
  readonly registry: TestRegistry
  /** What all tools talk to, and what counts. */
  readonly proxy: FaultProxy
  readonly stop: () => Promise<void>
}

/** A promotion of three images, against the tools that give single images another tag. */
export const promotion: BenchPart = {
  name: "promotion",
  summary: "requests and bytes of a promotion, against skopeo and crane",
  needsEngine: false,
  run: async function* ({ say }) {
    const { crane } = await compiledTools(say)
    for (const [title, start] of [
      ["Promotion, registry with a login", startBasic],
      ["Promotion, registry with tokens, as GHCR's", startTokens],
    ] as const) {
      const front = await start()
      try {
        yield section(title, await compare(front, crane))
      } finally {
        await front.stop()
      }
    }
  },
}

async function startBasic(): Promise<Front> {
  const registry = await startRegistry({ login: true })
  const proxy = await startFaultProxy(registry.port)
  const stop = async () => {
    await proxy.stop()
    await registry.stop()
  }
  return { registry, proxy, stop }
}

async function startTokens(): Promise<Front> {
  const registry = await startRegistry({ token: true })
  if (registry.front === undefined) throw new Error("a registry with tokens has a front")
  return { registry, proxy: registry.front, stop: () => registry.stop() }
}

async function compare({ registry, proxy }: Front, crane: string): Promise<readonly Cost[]> {
  const { login } = registry
  const target = { host: proxy.host, ...(login !== undefined && { login }) }
  await pushSet(registry, organisation, source, "first", { layers: [layerBytes] })
  const name = (image: string, tag: string) => `${organisation}/${image}:${tag}`
  const count = async (who: string, act: () => Promise<unknown>, checks = true): Promise<Cost> => {
    // Rules of the proxy stay: one of them gives tokens.
    const [requests, before] = [proxy.requests.length, proxy.traffic()]
    const { milliseconds } = await timed(act)
    const after = proxy.traffic()
    const bytes = after.received - before.received + after.sent - before.sent
    return { who, checks, requests: proxy.requests.length - requests, bytes, milliseconds }
  }
  const ours = await count("this module: all or none, journal, check", async () => {
    const images = imagesIn(proxy.host, organisation)
    const { client } = clientOf(registry)
    client.expect(images.map(({ repository }) => repository))
    const { outcome } = await tagGlobalStable({ prefix: "2026.4", images, dryRun: false }, contextOf(client))
    if (outcome.kind !== "promoted") throw new Error(`not promoted: ${JSON.stringify(outcome)}`)
  })
  const copyAll = async () => {
    for (const image of imageNames) await skopeoCopy(target, name(image, source), name(image, "by-skopeo"))
  }
  const skopeo = await count("skopeo copy", copyAll, false)
  const careful = await count("skopeo copy, digests before and after", async () => {
    for (const image of imageNames) {
      await skopeoDigest(target, name(image, "by-skopeo"))
      await skopeoCopy(target, name(image, source), name(image, "by-skopeo"))
      await skopeoDigest(target, name(image, "by-skopeo"))
    }
  })
  return withLogin(target, async (environment) => {
    const call = async (...args: readonly string[]) => {
      const { status, stderr } = await run(crane, args, { cwd: checkout, env: environment })
      if (status !== 0) throw new Error(`crane: ${stderr}`)
    }
    const address = (image: string, tag: string) => `${proxy.host}/${name(image, tag)}`
    const tag = (image: string) => call("tag", address(image, source), "by-crane")
    const tagAll = async () => {
      for (const image of imageNames) await tag(image)
    }
    const bare = await count("crane tag", tagAll, false)
    const checked = await count("crane tag, digests before and after", async () => {
      for (const image of imageNames) {
        await call("digest", address(image, "by-crane"))
        await tag(image)
        await call("digest", address(image, "by-crane"))
      }
    })
    return [ours, skopeo, careful, bare, checked]
  })
}

/** Docker's file of logins, for a tool that reads it. */
async function withLogin<T>(
  { host, login }: Pick<TestRegistry, "host" | "login">,
  use: (environment: Readonly<Record<string, string>>) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "bench-login-"))
  const auth = Buffer.from(`${login?.username ?? ""}:${login?.password ?? ""}`).toString("base64")
  await writeFile(join(folder, "config.json"), JSON.stringify({ auths: { [host]: { auth } } }))
  try {
    return await use({ DOCKER_CONFIG: folder })
  } finally {
    await removeFolder(folder)
  }
}

function section(title: string, costs: readonly Cost[]): Section {
  const each = (figure: number) => figure / imageNames.length
  const [ours, ...others] = costs
  return {
    title,
    header: ["by", "requests an image", "bytes an image", "time of all three"],
    rows: costs.map(({ who, requests, bytes, milliseconds }) => [
      who,
      each(requests).toFixed(1),
      formatBytes(each(bytes)),
      formatSeconds(milliseconds),
    ]),
    notes: [
      "The tools give one image after another its tag. A promotion also learns what each tag named before, keeps that in a journal, and checks all tags afterwards; with the digests before and after, the tools do as much, without the journal.",
    ],
    goals: ours === undefined ? [] : others.flatMap((other) => fewer(ours, other)),
  }
}

function fewer(ours: Cost, { who, checks, requests, bytes }: Cost): readonly Goal[] {
  const found = `${ours.requests} against ${requests}`
  return [
    checks
      ? { promise: `fewer requests than ${who}`, found, met: ours.requests < requests }
      : {
          promise: `no more requests than ${who}, the journal's ${journalRequests} aside`,
          found,
          met: ours.requests - journalRequests <= requests,
        },
    {
      promise: `fewer bytes than ${who}`,
      found: `${formatBytes(ours.bytes)} against ${formatBytes(bytes)}`,
      met: ours.bytes < bytes,
    },
  ]
}
