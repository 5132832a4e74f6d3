import { RegistryClient } from "../registry/client.js"
import type { ImageReference, Repository } from "../reference/reference.js"
import type { PlatformDigest } from "../registry/joinIndex.js"
import { joinIndex } from "../registry/joinIndex.js"
import { retag } from "../registry/retag.js"
import type { RegistryOptions } from "../registry/transport.js"
import type { Traffic } from "../registry/traffic.js"
import { TrafficLog } from "../registry/traffic.js"
import type { RetryNote } from "../report/report.js"
import type { BaseConfigs } from "./baseConfigs.js"
import { askBaseConfigs } from "./baseConfigs.js"
import type { RegistryLogin } from "../engine/registryLogin.js"
import { loginToRegistry } from "../engine/registryLogin.js"
import { secretText } from "../engine/secretText.js"

/** Manifests and configurations are small: a registry that does not answer in this time hangs. */
const answerMilliseconds = 10_000

/** The registries of a call: who is asked with which login, and what went over the wire. Pushes are the engine's. */
export class RegistrySession {
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
  static async open(login: RegistryLogin | undefined): Promise<RegistrySession> {
    if (login === undefined) return new RegistrySession(login, undefined)
    return new RegistrySession(login, {
      username: login.username,
      password: await secretText(login.password),
    })
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

  /** Makes the login known to the engine, for images that Dockerfiles start from. */
  async loginEngine(repositories: Iterable<Repository>): Promise<void> {
    if (this.login === undefined) return
    const byHost = new Map([...repositories].map((repository) => [repository.registry, repository]))
    this.expect(byHost.values())
    for (const repository of byHost.values()) await loginToRegistry(repository, this.login)
  }

  /** Joins images of several platforms under a tag; nothing of them moves. @returns the index's digest @throws RegistryError */
  async writeIndex(
    repository: Repository,
    images: readonly PlatformDigest[],
    annotations: ReadonlyMap<string, string>,
    tag: string,
  ): Promise<string> {
    this.expect([repository])
    return joinIndex(this.client, repository, images, annotations, tag)
  }

  /** Gives a published image another tag; nothing of it moves. @throws RegistryError */
  async writeTag(repository: Repository, digest: string, tag: string): Promise<void> {
    await retag(this.client, { ...repository, digest }, tag)
  }
}
