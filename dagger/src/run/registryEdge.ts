import type { RegistryFacts } from "../plan/facts.js"
import type { Repository } from "../reference/reference.js"
import type { RetryNote } from "../report/report.js"
import type { ImageState, RegistryLogin } from "./execution.js"
import { loginToRegistry } from "./publishImage.js"
import type { StackRequest } from "./request.js"

export interface RegistryQuestion {
  readonly name: string
  readonly repository: Repository
  readonly inputKey: string
  readonly testKey: string
  readonly tag: string
  readonly prefix: string
}

export interface PublishedFacts {
  readonly compressedBytes: number
  readonly layers: readonly { command: string; size?: number; created?: string }[]
}

export function loginOf({
  registryUsername,
  registryPassword,
}: Pick<StackRequest, "registryUsername" | "registryPassword">): RegistryLogin | undefined {
  if (registryUsername === undefined || registryPassword === undefined) return undefined
  return { username: registryUsername, password: registryPassword }
}

export class RegistryEdge {
  readonly retries: RetryNote[] = []
  private constructor(private readonly login: RegistryLogin | undefined) {}
  static open(login: RegistryLogin | undefined): Promise<RegistryEdge> {
    return Promise.resolve(new RegistryEdge(login))
  }
  ask(questions: readonly RegistryQuestion[]): Promise<ReadonlyMap<string, RegistryFacts>> {
    return Promise.resolve(
      new Map(questions.map(({ name }) => [name, { kind: "unknown" as const, why: "not asked" }])),
    )
  }
  async loginEngine(repositories: readonly Repository[]): Promise<void> {
    if (this.login === undefined) return
    for (const repository of repositories) await loginToRegistry(repository, this.login)
  }
  writeTag(..._all: unknown[]): Promise<void> {
    return Promise.reject(new Error("not yet"))
  }
  publishedFacts(_states: readonly ImageState[]): Promise<ReadonlyMap<string, PublishedFacts>> {
    return Promise.resolve(new Map())
  }
}
