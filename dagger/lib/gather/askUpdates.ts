import { randomUUID } from "node:crypto"
import { Container, dag, Platform } from "@dagger.io/dagger"
import { Limiter } from "../async/limiter.js"
import type { LinkedStack } from "../dockerfile/link.js"
import { engineMessage } from "../engine/engineError.js"
import { inspectImage } from "../engine/inspectImage.js"
import type { ChosenPlatform } from "../engine/platform.js"
import { ofPlatform } from "../engine/platform.js"
import type { ImageFacts, UpdateAnswer } from "../plan/facts.js"
import type { DueImage } from "../plan/freshness.js"
import { hasUpdates } from "../plan/freshness.js"
import type { SourceTree } from "../source/sourceTree.js"
import { startInOrder } from "../tree/schedule.js"
import type { PackageUpdate } from "../updates/packageUpdates.js"
import { readUpdates, updateManagers } from "../updates/packageUpdates.js"
import { requirementsIn, updatePrograms } from "../updates/updateProbes.js"

/** What is known of a stack whose images are asked. */
export interface AskedStack {
  readonly linked: LinkedStack
  readonly files: SourceTree
  readonly platform: ChosenPlatform
}

/** Seconds that one package manager may take: pip asks its index about one package after the other. */
const managerSeconds = 600

/** How it went with an image, for those that are built on it. */
interface Asked {
  readonly answer?: UpdateAnswer
  /** All updates of the image and of what it is built on: a child has them too. */
  readonly updates: readonly PackageUpdate[]
  /** Whether it, or what it is built on, will be built anew: its children will be, and need not be asked. */
  readonly isRebuilt: boolean
}

/**
 * Asks published images for updates of their packages, parents before children: the package managers are run in them, with
 * the network that builds have, and without a secret.
 * @param images all of the run, parents before children
 * @returns answers by image, without those whose parents have updates; what went wrong is in them
 */
export async function askUpdates(
  due: readonly DueImage[],
  images: readonly ImageFacts[],
  stack: AskedStack,
  parallel: number,
): Promise<ReadonlyMap<string, UpdateAnswer>> {
  const byName = new Map(due.map((image) => [image.name, image]))
  const facts = new Map(images.map((image) => [image.name, image]))
  const limiter = new Limiter(parallel)
  const asked = startInOrder<Asked>(
    [...facts.keys()],
    (name) => facts.get(name)?.parents ?? [],
    (name, parents) => {
      const above = parents.flatMap(({ updates }) => updates)
      const image = byName.get(name)
      const isRebuilt = parents.some((parent) => parent.isRebuilt)
      if (image === undefined || isRebuilt) return Promise.resolve({ updates: above, isRebuilt })
      return limiter.run(() => askOne(image, facts.get(name), stack, above))
    },
  )
  const found = await Promise.all(
    [...asked].map(async ([name, task]) => [name, (await task).answer] as const),
  )
  return new Map(found.flatMap(([name, answer]) => (answer === undefined ? [] : [[name, answer] as const])))
}

async function askOne(
  { name, reference, digest }: DueImage,
  image: ImageFacts | undefined,
  stack: AskedStack,
  above: readonly PackageUpdate[],
): Promise<Asked> {
  const { updates: all, failures, isAnswered } = await askManagers(name, reference, stack)
  const known = new Set(above.map(identityOf))
  const answer = { digest, updates: all.filter((each) => !known.has(identityOf(each))), failures, isAnswered }
  const { registry } = image ?? {}
  const tags =
    registry?.kind === "known" ? [registry.branchTag, ...registry.otherTags, registry.candidate] : []
  const published = tags.find((each) => each?.digest === digest)
  return {
    answer,
    updates: [...above, ...all],
    isRebuilt: published !== undefined && hasUpdates(answer, published),
  }
}

function identityOf({ manager, name, from, to }: PackageUpdate): string {
  return [manager, name, from, to].join(" ")
}

type Answers = Pick<UpdateAnswer, "updates" | "failures" | "isAnswered">

/** A package manager that cannot answer is told of, and fails nothing: others may. */
async function askManagers(name: string, reference: string, stack: AskedStack): Promise<Answers> {
  const programs = updatePrograms(requirementsOf(name, stack))
  const probes = updateManagers.map((manager) => ({ key: manager, command: programs[manager] }))
  try {
    const container = await askedContainer(name, reference, stack)
    const { results, notices } = await inspectImage(container, probes, false, managerSeconds)
    const answers = updateManagers.flatMap((manager) => {
      const output = results.get(manager)
      return output === undefined ? [] : [{ manager, ...readUpdates(manager, output) }]
    })
    return {
      updates: answers.flatMap((answer) => (answer.kind === "asked" ? answer.updates : [])),
      failures: [
        ...notices,
        ...answers.flatMap((answer) =>
          answer.kind === "failed" ? [`${answer.manager}: ${answer.reason}`] : [],
        ),
      ],
      isAnswered: answers.some(({ kind }) => kind === "asked"),
    }
  } catch (error) {
    return { updates: [], failures: [engineMessage(error)], isAnswered: false }
  }
}

async function askedContainer(name: string, reference: string, stack: AskedStack): Promise<Container> {
  const { platform, unable } = stack.platform
  if (unable !== undefined) throw new Error(unable)
  const published = dag.container({ platform: platform as Platform }).from(reference)
  const { builderArgs = new Map<string, string>() } = stack.linked.images.get(name) ?? {}
  const proxies = [...builderArgs].filter(([argument]) => /_proxy$/i.test(argument))
  // As root: apt fetches its lists. Repositories change: no run's answer is another's.
  const asked = (await ofPlatform(published, platform))
    .withUser("0")
    .withEnvVariable("STACK_RUN", randomUUID())
  return proxies.reduce((container, [argument, value]) => container.withEnvVariable(argument, value), asked)
}

/** Files of a build context that may hold requirements or locks. */
const requirementsFile = /\.(?:txt|in|lock|cfg|toml)$/

/** What the source of an image, and of what it is built on, asks of Python packages. */
function requirementsOf(name: string, { linked, files }: AskedStack): readonly string[] {
  const lineage = linked.lineage(name).flatMap((each) => linked.images.get(each) ?? [])
  const texts = lineage.flatMap(({ stages, contextFiles }) => [
    stages,
    ...contextFiles.flatMap(({ path }) => (requirementsFile.test(path) ? (files.text(path) ?? []) : [])),
  ])
  return requirementsIn(texts.join("\n"))
}
