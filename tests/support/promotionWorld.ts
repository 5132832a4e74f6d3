import { randomBytes } from "node:crypto"
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import type { ImageManifest } from "../../dagger/lib/manifest/manifestData.js"
import { formatManifest } from "../../dagger/lib/manifest/manifestData.js"
import { updateWiki } from "../../dagger/lib/wiki/update.js"
import { wikiFilesOf } from "../../dagger/lib/wiki/wikiFiles.js"
import type { EnginePlace } from "./enginePlace.js"
import { sharedEngine } from "./enginePlace.js"
import type { FaultProxy } from "./faultProxy.js"
import { startFaultProxy } from "./faultProxy.js"
import { runProgram, startGitServer } from "./gitServer.js"
import type { GitServer } from "./gitServer.js"
import { manifestOf, packagesOf } from "./manifests.js"
import { startRegistry } from "./registry.js"
import type { AccessLine, TestRegistry } from "./registry.js"
import { pushImage, skopeoDigest } from "./registryImages.js"
import type { Screen } from "./screen.js"
import { onScreen } from "./screen.js"
import { stackFiles } from "./source.js"
import { startSshd } from "./sshd.js"
import type { Sshd } from "./sshd.js"
import { makeLaunchScript } from "./sshdLaunch.js"
import type { LaunchScript } from "./sshdLaunch.js"
import { checkout, commitAll, removeFolder, stack, stateHome, workspace } from "./stack.js"
import type { Ended } from "./stack.js"

const organisation = "team"
const wikiName = "team/stack.wiki.git"
const wikiUser = "publisher"
/** The commit that the images are said to be built from. */
const commit = "0123456789abcdef0123456789abcdef01234567"

/** The images of the stack; the second one is tested on the GPU. */
export const images = ["base", "child"] as const
export type ImageName = (typeof images)[number]
/** A digest of each image. */
export type Digests = Readonly<Record<ImageName, string>>

/** What a call left: how it ended, and the artifacts that it exported. */
export interface Done extends Ended {
  /** Text of an exported file. */
  readonly text: (path: string) => string
  /** report.json. */
  readonly report: unknown
  /** Folder of the artifacts. */
  readonly folder: string
}

/** What happened at the servers since a moment. */
export interface Traces {
  readonly registry: readonly AccessLine[]
  readonly wiki: readonly string[]
  readonly ssh: string
}

/** A stack with everything that promotions talk to: a registry, a wiki, and a login host, each with a login. */
export class PromotionWorld {
  private readonly outputs: string[] = []
  private exports = 0

  private constructor(
    private readonly folder: string,
    private readonly engine: EnginePlace,
    readonly registry: TestRegistry,
    /** In front of the registry: what the module talks to; rules can be added to it. */
    readonly front: FaultProxy,
    readonly wiki: GitServer,
    /** In front of the wiki. */
    readonly wikiFront: FaultProxy,
    readonly sshd: Sshd,
    readonly launch: LaunchScript,
    private readonly wikiToken: string,
  ) {}

  /**
   * Starts the servers, and writes the stack; its GPU tests pass until `gpuTests` says otherwise.
   * @param more keys of its spec
   */
  static async start(
    engine = sharedEngine,
    more: Readonly<Record<string, unknown>> = {},
  ): Promise<PromotionWorld> {
    const { bridge } = engine
    const wikiToken = randomBytes(12).toString("hex")
    const registry = await startRegistry({ login: true })
    const front = await startFaultProxy(registry.port, [], { listen: "0.0.0.0" })
    const wiki = await startGitServer({ user: wikiUser, token: wikiToken })
    const wikiFront = await startFaultProxy(wiki.port, [], { listen: "0.0.0.0" })
    wiki.create(wikiName)
    const sshd = await startSshd({ listen: "0.0.0.0" })
    const launch = makeLaunchScript()
    launch.write("gpu", "def test_cuda(): pass\n")
    const spec = {
      registry: `${bridge}:${front.port}/${organisation}`,
      gpu: {
        host: bridge,
        port: sshd.port,
        user: sshd.user,
        image: "child",
        launch: launch.template,
        tests: launch.tests("gpu"),
        timeout: "2 min",
        host_key: sshd.fingerprint,
      },
      ...more,
    }
    const files = stackFiles({ base: {}, child: { depend_on: "base" } }, { spec })
    const folder = await workspace(files, { git: false })
    return new PromotionWorld(folder, engine, registry, front, wiki, wikiFront, sshd, launch, wikiToken)
  }

  async stop(): Promise<void> {
    await removeFolder(this.folder)
    this.launch.remove()
    await this.sshd.stop()
    await this.wikiFront.stop()
    await this.wiki.stop()
    await this.front.stop()
    await this.registry.stop()
  }

  /** Options that name the registry and log in to it. */
  get registryLogin(): readonly string[] {
    const registry = `--registry=${this.engine.bridge}:${this.front.port}/${organisation}`
    return [registry, "--registry-username=robot", "--registry-password=env://REGISTRY_PASSWORD"]
  }

  /** Options that name the wiki and log in to it. */
  get wikiOptions(): readonly string[] {
    const url = `http://${this.engine.bridge}:${this.wikiFront.port}/${wikiName}`
    return [`--wiki=${url}`, `--wiki-username=${wikiUser}`, "--wiki-token=env://WIKI_TOKEN"]
  }

  /** Options that name the cluster's login host and log in to it. */
  gpuLogin(prefix: "--" | "--gpu-"): readonly string[] {
    const host = [`${prefix}host=${this.engine.bridge}`, `${prefix}host-key=${this.sshd.fingerprint}`]
    return [...host, `${prefix}password=env://GPU_PASSWORD`]
  }

  /** Options of a promotion with a wiki and the GPU test. */
  get promotionOptions(): readonly string[] {
    return [...this.registryLogin, ...this.wikiOptions, ...this.gpuLogin("--gpu-")]
  }

  /** Calls a function as a user does, who wants to know by its status whether it succeeded. */
  async call(
    name: string,
    options: readonly string[],
    {
      registryPassword = this.registry.login?.password ?? "",
      result = [] as readonly string[],
      more = {},
    } = {},
  ): Promise<Ended> {
    const env = { ...this.environment(registryPassword), ...more }
    const ended = await stack([name, "--source=.", ...options, ...result], { cwd: this.folder, env })
    this.outputs.push(ended.stdout, ended.stderr)
    return ended
  }

  /** Calls a function as a user does at a terminal. */
  async onScreen(name: string, options: readonly string[]): Promise<Screen> {
    const env = { XDG_STATE_HOME: stateHome, ...this.environment(this.registry.login?.password ?? "") }
    const words = [join(checkout, "stack"), name, ...options]
    const screen = await onScreen(words, { cwd: this.folder, env, columns: 160 })
    this.outputs.push(screen.text)
    return screen
  }

  private environment(registryPassword: string): Readonly<Record<string, string>> {
    return {
      ...this.engine.env,
      REGISTRY_PASSWORD: registryPassword,
      WIKI_TOKEN: this.wikiToken,
      GPU_PASSWORD: this.sshd.password,
      GPU_KEY: this.sshd.privateKey,
    }
  }

  /** Calls a function as CI does, which keeps the artifacts and decides by the report. */
  async exported(
    name: string,
    options: readonly string[],
    more: Readonly<Record<string, string>> = {},
  ): Promise<Done> {
    this.exports += 1
    const out = `out-${this.exports}`
    const ended = await this.call(name, options, { result: ["artifacts", "export", `--path=${out}`], more })
    if (ended.status !== 0) throw new Error(`no artifacts were exported:\n${ended.stderr.slice(-4000)}`)
    const folder = join(this.folder, out)
    const text = (path: string) => readFileSync(join(folder, path), "utf8")
    return { ...ended, folder, text, report: JSON.parse(text("report.json")) }
  }

  /** Pushes both images, different ones for every generation. @returns the digests */
  async push(tag: string, generation: string): Promise<Digests> {
    const [base, child] = await Promise.all(
      images.map((name) =>
        pushImage(this.registry, `${organisation}/${name}:${tag}`, {
          layers: [name, generation],
          labels: { "org.opencontainers.image.revision": commit },
        }),
      ),
    )
    return { base: base ?? "", child: child ?? "" }
  }

  /** Pushes another generation of both images, with their pages. @returns the digests */
  async newImages(tag: string, generation: string): Promise<Digests> {
    const digests = await this.push(tag, generation)
    await this.publishPages(tag, digests)
    return digests
  }

  /** Pushes one of the images only. */
  pushOne(name: ImageName, tag: string): Promise<string> {
    return pushImage(this.registry, `${organisation}/${name}:${tag}`)
  }

  /** Digests of both images under a tag; undefined where there is none. */
  async digests(tag: string): Promise<Readonly<Record<ImageName, string | undefined>>> {
    const find = (name: ImageName) =>
      skopeoDigest(this.registry, `${organisation}/${name}:${tag}`).catch(() => undefined)
    return { base: await find("base"), child: await find("child") }
  }

  /** Full name of an image. */
  reference(name: ImageName, tag: string): string {
    return `${this.engine.bridge}:${this.front.port}/${organisation}/${name}:${tag}`
  }

  /** Name of the page of an image in the wiki. */
  page(name: ImageName, tag: string): string {
    return `${this.engine.bridge}-${this.front.port}-${organisation}-${name}-${tag}.md`
  }

  /** Writes the tests that "the GPU" runs. */
  gpuTests(module: string): void {
    writeFileSync(join(this.launch.tests("gpu"), "test_gpu.py"), module)
  }

  /** Puts the manifest pages of both images into the wiki, as the run that built them does. */
  async publishPages(tag: string, digests: Digests, packages = "numpy 1.26.4, pandas 2.2.0"): Promise<void> {
    const clone = `${this.folder}/wiki-${this.exports}-${tag}`
    const url = this.wiki.url.replace("//", `//${wikiUser}:${this.wikiToken}@`)
    await git("clone", "--quiet", `${url}/${wikiName}`, clone)
    const there = new Map(this.wikiFiles().map((path) => [path, readFileSync(join(clone, path), "utf8")]))
    const manifests = this.manifests(tag, digests, packages)
    const { files } = updateWiki(wikiFilesOf(there), {
      kind: "publish",
      at: "2026-10-01T12:00:05Z",
      manifests,
    })
    writeAll(clone, files)
    await commitAll(clone, `Pages of ${tag}`)
    await git("-C", clone, "push", "--quiet", "origin", "HEAD:master")
    await removeFolder(clone)
  }

  /** Writes manifests as the artifacts of the run that built the images have them. @returns the folder's name */
  writeArtifacts(tag: string, digests: Digests): string {
    const manifests = this.manifests(tag, digests)
    const files = manifests.map((manifest) => [`${manifest.name}.json`, formatManifest(manifest)] as const)
    writeAll(join(this.folder, "built/manifests"), new Map(files))
    return "built"
  }

  private manifests(tag: string, digests: Digests, packages = ""): ImageManifest[] {
    const pip = { kind: "listed", packages: packagesOf(packages) } as const
    return images.map((name) => {
      const reference = this.reference(name, tag)
      return manifestOf(name, tag, { reference, digest: digests[name], packages: { pip } })
    })
  }

  /** Paths in the wiki; none where nothing was ever pushed. */
  wikiFiles(): readonly string[] {
    if (this.wiki.git(wikiName, "branch", "--list").trim() === "") return []
    return this.wiki.git(wikiName, "ls-tree", "-r", "--name-only", "HEAD").trim().split("\n")
  }

  wikiFile(path: string): string {
    return this.wiki.git(wikiName, "show", `HEAD:${path}`)
  }

  wikiHead(): string {
    return this.wiki.git(wikiName, "rev-parse", "HEAD").trim()
  }

  /** Starts watching the servers; call the result for what they have heard since. */
  watch(): () => Traces {
    const registry = this.registry.accessLog().length
    const wiki = this.wiki.requests.length
    const ssh = this.sshd.log().length
    return () => ({
      registry: this.registry.accessLog().slice(registry),
      wiki: this.wiki.requests.slice(wiki),
      ssh: this.sshd.log().slice(ssh),
    })
  }

  /** Where a secret stands that should stand nowhere: outputs, exported files, the wiki. */
  leaks(): readonly string[] {
    const wiki = this.wikiFiles().length === 0 ? "" : this.wiki.git(wikiName, "log", "--patch")
    const texts = [...this.outputs.map((text) => ["an output", text]), ["the wiki", wiki], ...this.kept()]
    // Of a key in OpenSSH's format, the last full line is within the private half.
    const keyLine = this.sshd.privateKey.trim().split("\n").at(-3) ?? ""
    const registryPassword = this.registry.login?.password ?? ""
    const logins = [`robot:${registryPassword}`, `${wikiUser}:${this.wikiToken}`]
    const basic = logins.map((login) => Buffer.from(login).toString("base64"))
    const secrets = [registryPassword, this.wikiToken, this.sshd.password, keyLine, ...basic]
    return texts.flatMap(([where = "", text = ""]) =>
      secrets.some((secret) => text.includes(secret)) ? [where] : [],
    )
  }

  private kept(): readonly (readonly [string, string])[] {
    const entries = readdirSync(this.folder, { recursive: true, withFileTypes: true })
    const files = entries.filter((entry) => entry.isFile())
    return files.map(({ parentPath, name }) => [name, readFileSync(join(parentPath, name), "utf8")] as const)
  }
}

/** Git, while this process serves the wiki. */
async function git(...args: readonly string[]): Promise<void> {
  const { status, stderr } = await runProgram("git", args)
  if (status !== 0) throw new Error(`git ${args[0] ?? ""}: ${stderr}`)
}

function writeAll(folder: string, files: ReadonlyMap<string, string>): void {
  for (const [path, text] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
}
