import type { ImageManifest } from "../manifest/manifestData.js"
import type { RegistryFacts, RegistryImage } from "../plan/facts.js"
import { candidateTag, passedTag } from "../plan/facts.js"
import type { ImageReference, Repository } from "../reference/reference.js"
import { RegistryClient } from "../registry/client.js"
import { retag } from "../registry/retag.js"
import { imageFacts, imageLabels } from "../registry/imageFacts.js"
import { labels } from "../registry/labels.js"
import { causeOf, RegistryError } from "../registry/registryError.js"
import type { RegistryOptions } from "../registry/transport.js"
import type { Traffic } from "../registry/traffic.js"
import { TrafficLog } from "../registry/traffic.js"
import type { RetryNote } from "../report/report.js"
import type { BaseConfigs } from "./baseConfigs.js"
import { askBaseConfigs } from "./baseConfigs.js"
import type { RegistryLogin } from "../engine/registryLogin.js"
import { loginToRegistry } from "../engine/registryLogin.js"
import { secretText } from "../engine/secretText.js"

/** What is asked about one image before it is planned. */
export interface RegistryQuestion {
  readonly name: string
  readonly repository: Repository
  readonly inputKey: string
  readonly testKey: string
  /** The run's tag. */
  readonly tag: string
  /** `<year>.<quarter>` of the run. */
  readonly prefix: string
}

/** What only the registry knows of a published image, for its manifest page. */
export type PublishedFacts = Pick<ImageManifest, "layers" | "platform"> & {
  readonly compressedBytes: number
  /** How it was made, as its labels tell. */
  readonly labels: ReadonlyMap<string, string>
}

/** Manifests and configurations are small: a registry that does not answer in this time hangs. */
const answerMilliseconds = 10_000

/** All that a run asks of registries and writes to them beside pushing: tags, by their API. */
export class RegistryEdge {
  private readonly traffic = new TrafficLog()
  readonly client: RegistryClient

  private readonly credentials: NonNullable<RegistryOptions["credentials"]>

  private constructor(
    private readonly login: RegistryLogin | undefined,
    credentials: { readonly username: string; readonly password: string } | undefined,
  ) {
    // Other registries are asked without.
    this.credentials = (registry) => (registry === login?.registry ? credentials : undefined)
    this.client = new RegistryClient({
      credentials: this.credentials,
      observe: this.traffic.observe,
      timeoutMilliseconds: answerMilliseconds,
    })
  }

  /** @param login for the registry that the call names */
  static async open(login: RegistryLogin | undefined): Promise<RegistryEdge> {
    if (login === undefined) return new RegistryEdge(login, undefined)
    return new RegistryEdge(login, { username: login.username, password: await secretText(login.password) })
  }

  /** Requests that were tried again so far. */
  get retries(): readonly RetryNote[] {
    return this.traffic.read().retries.map(({ method, url, reason, waitMilliseconds }) => ({
      request: `${method} ${url}`,
      reason,
      waitMilliseconds,
    }))
  }

  /** Everything that went over the wire so far. */
  readTraffic(): Traffic {
    return this.traffic.read()
  }

  /** Names repositories that will be asked about: a registry then gives one token for all of them. */
  expect(repositories: Iterable<Repository>): void {
    this.client.expect([...repositories])
  }

  /** Digest that a reference names now, where there is one. @throws RegistryError */
  async resolve(reference: ImageReference): Promise<string | undefined> {
    this.expect([reference])
    return (await this.client.resolve(reference))?.digest
  }

  /** What bases hand down; the login goes to the registry that the call names, and to no other. */
  baseConfigs(digests: ReadonlyMap<string, string>, platform: string): Promise<BaseConfigs> {
    return askBaseConfigs(digests, this.credentials, platform)
  }

  /** What is published of each image, by manifest and configuration; a registry that cannot be asked is a fact too. */
  async ask(questions: readonly RegistryQuestion[]): Promise<ReadonlyMap<string, RegistryFacts>> {
    this.expect(questions.map(({ repository }) => repository))
    const answers = questions.map(async (question) => [question.name, await this.askOne(question)] as const)
    return new Map(await Promise.all(answers))
  }

  private async askOne(question: RegistryQuestion): Promise<RegistryFacts> {
    const { repository, inputKey, testKey, tag, prefix } = question
    const others = [`${prefix}-main`, `${prefix}-stable`].filter((other) => other !== tag)
    try {
      const passed = await this.client.resolve({ ...repository, tag: passedTag(inputKey, testKey) })
      const [branchTag, candidate, ...rest] = await Promise.all(
        [tag, candidateTag(inputKey), ...others].map((each) =>
          this.published(repository, each, passed?.digest),
        ),
      )
      return { kind: "known", branchTag, candidate, otherTags: rest.filter((image) => image !== undefined) }
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error
      return { kind: "unknown", why: `${repository.registry}: ${causeOf(error)}` }
    }
  }

  private async published(
    repository: Repository,
    tag: string,
    passed: string | undefined,
  ): Promise<RegistryImage | undefined> {
    const image = await imageLabels(this.client, { ...repository, tag })
    if (image === undefined) return undefined
    return {
      tag,
      digest: image.digest,
      inputKey: image.labels.get(labels.inputKey),
      testKey: image.labels.get(labels.testKey),
      revision: image.labels.get(labels.revision),
      baseName: image.labels.get(labels.baseName),
      baseDigest: image.labels.get(labels.baseDigest),
      passed: passed === image.digest,
    }
  }

  /** Makes the login known to the engine, for images that Dockerfiles start from. */
  async loginEngine(repositories: Iterable<Repository>): Promise<void> {
    if (this.login === undefined) return
    const byHost = new Map([...repositories].map((repository) => [repository.registry, repository]))
    this.expect(byHost.values())
    for (const repository of byHost.values()) await loginToRegistry(repository, this.login)
  }

  /** Gives a published image another tag; nothing of it moves. @throws RegistryError */
  async writeTag(repository: Repository, digest: string, tag: string): Promise<void> {
    await retag(this.client, { ...repository, digest }, tag)
  }

  /** Layers and sizes of the images that are in the registry. */
  async publishedFacts(
    images: readonly {
      readonly name: string
      readonly repository: Repository
      readonly digest?: string | undefined
    }[],
  ): Promise<ReadonlyMap<string, PublishedFacts>> {
    const found = await Promise.all(
      images.map(async ({ name, repository, digest }) => {
        if (digest === undefined) return undefined
        const facts = await this.factsOf(repository, digest)
        return facts === undefined ? undefined : ([name, facts] as const)
      }),
    )
    return new Map(found.filter((entry) => entry !== undefined))
  }

  private async factsOf(repository: Repository, digest: string): Promise<PublishedFacts | undefined> {
    try {
      const facts = await imageFacts(this.client, { ...repository, digest })
      if (facts === undefined) return undefined
      const layers = facts.history.map(({ createdBy, created, layer }) => ({
        command: createdBy,
        size: layer?.size ?? 0,
        ...(created !== undefined && { created }),
      }))
      return {
        compressedBytes: facts.compressedBytes,
        platform: facts.platform,
        layers,
        labels: facts.labels,
      }
    } catch (error) {
      // A page without a layer table is better than a run that fails after everything was published.
      if (error instanceof RegistryError) return undefined
      throw error
    }
  }
}
