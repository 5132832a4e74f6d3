import { mkdtemp, readFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Plan, Step } from "../../dagger/lib/plan/planDocument.js"
import { readPlan } from "../../dagger/lib/plan/planDocument.js"
import type { StackReport } from "../../dagger/lib/report/report.js"
import type { EnginePlace } from "./enginePlace.js"
import { sharedEngine } from "./enginePlace.js"
import type { FaultProxy } from "./faultProxy.js"
import { startPlainFront } from "./plainFront.js"
import type { AccessLine, TestRegistry } from "./registry.js"
import { startRegistry } from "./registry.js"
import type { Screen, ScreenOptions } from "./screen.js"
import { onScreen } from "./screen.js"
import type { Files, StackImage, StackOptions } from "./source.js"
import { stackFiles } from "./source.js"
import type { Ended, RunningProgram } from "./stack.js"
import {
  checkout,
  commitAll,
  removeFolder,
  run,
  stack,
  start,
  stateHome,
  workspace,
  writeFiles,
} from "./stack.js"
import { imageFiles, ReadReport } from "./testImages.js"

/** A test that passes, by a name of its own. */
export function passing(name: string): string {
  return `def test_${name}(): pass\n`
}

/** A test that fails. */
export function failing(name: string): string {
  return `def test_${name}(): assert "expected" == "found"\n`
}

/** An image without a parent, with a test. */
export function rootImage(name: string, lines: readonly string[] = [], files: Files = {}): StackImage {
  const all = [`RUN echo ${name} > /${name}`, ...lines]
  return { files: imageFiles(all, { [`test/test_${name}.py`]: passing(name), ...files }) }
}

/** An image on another one, with a test. */
export function childImage(
  name: string,
  parent: string,
  lines: readonly string[] = [],
  files: Files = {},
): StackImage {
  const dockerfile = [
    `FROM ghcr.io/example/${parent}:latest`,
    "USER root",
    `RUN echo ${name} > /${name}`,
    ...lines,
    "USER student",
  ]
  return {
    depend_on: parent,
    files: { Dockerfile: `${dockerfile.join("\n")}\n`, [`test/test_${name}.py`]: passing(name), ...files },
  }
}

/** A root with two children: the smallest stack with siblings. */
export function family(): Readonly<Record<string, StackImage>> {
  return { base: rootImage("base"), left: childImage("left", "base"), right: childImage("right", "base") }
}

/** Something of each image, by its name. */
export type ByImage<T> = Readonly<Record<string, T>>

/** What a run left: its artifacts, and what the registry was asked meanwhile. */
export class FixtureRun extends ReadReport {
  constructor(
    folder: string,
    report: StackReport,
    readonly plan: Plan,
    readonly ended: Ended,
    /** Answered requests, oldest first. */
    readonly requests: readonly AccessLine[],
    /** Milliseconds that the call took. */
    readonly milliseconds: number,
  ) {
    super(folder, report)
  }

  /** `build`, `retest`, ... by image. */
  get actions(): ByImage<string> {
    return Object.fromEntries(this.report.images.map(({ name, action }) => [name, action]))
  }

  /** Kinds of outcomes by image. */
  get outcomes(): ByImage<string> {
    return Object.fromEntries(this.report.images.map(({ name, outcome }) => [name, outcome.kind]))
  }

  /** What was written to the registry: manifests and blobs. */
  get writes(): readonly AccessLine[] {
    return this.requests.filter(
      ({ method, status }) => /^(?:PUT|POST|PATCH|DELETE)$/.test(method) && status < 300,
    )
  }

  /** Uploads of layers and configurations, also those that turned out to be there. */
  get uploads(): readonly AccessLine[] {
    return this.requests.filter(({ method, path }) => method !== "HEAD" && path.includes("/blobs/uploads"))
  }
}

/** A stack in a git repository of its own, and the registry with a login that it is published to. */
export class FixtureStack {
  private readonly outputs: string[] = []

  private constructor(
    readonly folder: string,
    readonly registry: TestRegistry,
    /** In front of the registry: what the engine and the module talk to; rules can be added to it. */
    readonly front: FaultProxy,
    private readonly engine: EnginePlace,
  ) {}

  static async start(
    images: ByImage<StackImage>,
    options: StackOptions = {},
    engine = sharedEngine,
  ): Promise<FixtureStack> {
    return FixtureStack.of(stackFiles(images, options), engine)
  }

  /** A stack of these files. */
  static async of(files: Files, engine = sharedEngine): Promise<FixtureStack> {
    const registry = await startRegistry({ login: true })
    const front = await startPlainFront(registry.port)
    return new FixtureStack(await workspace(files), registry, front, engine)
  }

  async stop(): Promise<void> {
    await this.front.stop()
    await this.registry.stop()
    await Promise.all([this.folder, ...this.outputs].map(removeFolder))
  }

  /** `host:port` of the registry for engine, module and Dockerfiles. */
  get host(): string {
    return `${this.engine.bridge}:${this.front.port}`
  }

  /** Options that publish to an organisation of the registry. */
  publishing(organisation = "team"): readonly string[] {
    return ["--publish", ...this.login(organisation)]
  }

  /** Options that name the registry, with its login. */
  login(organisation = "team"): readonly string[] {
    const { username = "" } = this.registry.login ?? {}
    const registry = `--registry=${this.host}/${organisation}`
    return [registry, `--registry-username=${username}`, "--registry-password=env://FIXTURE_PASSWORD"]
  }

  private get environment(): Readonly<Record<string, string>> {
    return { ...this.engine.env, FIXTURE_PASSWORD: this.registry.login?.password ?? "" }
  }

  /** Calls `./stack` in the stack's folder. */
  call(...args: readonly string[]): Promise<Ended> {
    return this.callWith({}, ...args)
  }

  /** The same with more in its environment. */
  callWith(env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Ended> {
    return stack(args, { cwd: this.folder, env: { ...this.environment, ...env } })
  }

  /** Calls `./stack` in the stack's folder at a terminal. */
  onScreen(args: readonly string[], options: Partial<ScreenOptions> = {}): Promise<Screen> {
    const env = { XDG_STATE_HOME: stateHome, ...this.environment, ...options.env }
    return onScreen([join(checkout, "stack"), ...args], { cwd: this.folder, ...options, env })
  }

  /** Builds with these options, and reads the artifacts. */
  async run(...options: readonly string[]): Promise<FixtureRun> {
    const folder = await mkdtemp(join(tmpdir(), "stack-out-"))
    this.outputs.push(folder)
    const before = this.registry.accessLog().length
    const startedAt = Date.now()
    const ended = await this.call(
      "build-stack",
      "--source=.",
      ...options,
      "artifacts",
      "export",
      `--path=${folder}`,
    )
    const milliseconds = Date.now() - startedAt
    if (ended.status !== 0) throw new Error(`build-stack: ${ended.stderr.slice(-3000)}`)
    const { report } = await ReadReport.from(folder)
    const plan = readPlan(await readFile(join(folder, "plan.json"), "utf8"))
    return new FixtureRun(folder, report, plan, ended, this.registry.accessLog().slice(before), milliseconds)
  }

  /** Publishes; the tag is that of the branch. */
  publish(...options: readonly string[]): Promise<FixtureRun> {
    return this.run(...this.publishing(), ...options)
  }

  /** Plans with these options; steps by image. */
  async plan(...options: readonly string[]): Promise<ReadonlyMap<string, Step>> {
    const ended = await this.call("plan", "--source=.", ...options, "json")
    if (ended.status !== 0) throw new Error(`plan: ${ended.stderr.slice(-3000)}`)
    return new Map(readPlan(ended.stdout).steps.map((step) => [step.image, step]))
  }

  /** Starts a call that the test interrupts. */
  begin(...args: readonly string[]): RunningProgram {
    return start(join(checkout, "stack"), args, { cwd: this.folder, env: this.environment })
  }

  /** Starts a call and kills it, and all that it started, when the time has come. */
  async interrupt(args: readonly string[], moment: () => boolean): Promise<void> {
    const call = this.begin(...args)
    const polling = setInterval(() => {
      // dagger dies with the script, without a word to the engine.
      if (moment()) call.signal("SIGKILL")
    }, 50)
    try {
      const { status } = await call.ended
      if (status < 128) throw new Error(`the call ended by itself, with status ${status}`)
    } finally {
      clearInterval(polling)
    }
  }

  /** Text of a file of the stack. */
  read(path: string): Promise<string> {
    return readFile(join(this.folder, path), "utf8")
  }

  /** Writes files, and commits nothing. */
  write(files: Files): Promise<void> {
    return writeFiles(this.folder, files)
  }

  /** Writes files and commits everything. */
  async commit(files: Files, message = "change"): Promise<string> {
    await writeFiles(this.folder, files)
    return commitAll(this.folder, message)
  }

  async git(...args: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await run("git", args, { cwd: this.folder })
    if (status !== 0) throw new Error(`git ${args.join(" ")}: ${stderr}`)
    return stdout.trim()
  }

  /** Tags of an image in the registry, without those of this pipeline's own use. */
  async tags(image: string, organisation = "team"): Promise<readonly string[]> {
    const answer = await this.ask(`/v2/${organisation}/${image}/tags/list`)
    if (answer.status === 404) return []
    const { tags } = (await answer.json()) as { readonly tags: readonly string[] | null }
    return (tags ?? []).filter((tag) => !/^(?:candidate|(?:folder-)?passed|sha256)-/.test(tag)).toSorted()
  }

  /** Manifest of an image in the registry. */
  async manifest(image: string, reference: string, organisation = "team"): Promise<PublishedManifest> {
    const answer = await this.ask(`/v2/${organisation}/${image}/manifests/${reference}`)
    if (!answer.ok) throw new Error(`${image}:${reference}: ${answer.status} ${await answer.text()}`)
    const digest = answer.headers.get("docker-content-digest") ?? ""
    return { ...((await answer.json()) as Omit<PublishedManifest, "digest">), digest }
  }

  /** Labels in an image's configuration. */
  async labels(image: string, reference: string): Promise<ByImage<string>> {
    return (await this.config(image, reference)).config.Labels
  }

  /** An image's configuration. */
  async config(image: string, reference: string): Promise<PublishedConfig> {
    const { config } = await this.manifest(image, reference)
    const answer = await this.ask(`/v2/team/${image}/blobs/${config.digest}`)
    return (await answer.json()) as PublishedConfig
  }

  private ask(path: string): Promise<Response> {
    const { username = "", password = "" } = this.registry.login ?? {}
    const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`
    const accept = "application/vnd.oci.image.manifest.v1+json"
    return fetch(`http://${this.registry.host}${path}`, { headers: { authorization, accept } })
  }
}

/** What tests read of a configuration. */
export interface PublishedConfig {
  readonly config: { readonly Labels: ByImage<string> }
  readonly history?: readonly { readonly created_by?: string }[]
}

/** What tests read of a manifest. */
export interface PublishedManifest {
  readonly digest: string
  readonly config: { readonly digest: string }
  readonly layers: readonly { readonly digest: string; readonly size: number }[]
  readonly annotations?: ByImage<string>
}
