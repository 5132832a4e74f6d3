import { existsSync } from "node:fs"
import { cp, link, mkdir, mkdtemp, readFile, readdir, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { localMirror } from "./dockerfileBuilds.js"
import type { FaultProxy } from "./faultProxy.js"
import { startFaultProxy } from "./faultProxy.js"
import type { TestRegistry } from "./registry.js"
import { startRegistry } from "./registry.js"
import type { Ended } from "./stack.js"
import { checkout, run, stack } from "./stack.js"

/** Where the daemon and its containers find this machine (docker/daemon.sh). */
const machine = "10.90.0.1"
/** Names of what the daemon puts on this machine itself. */
const traces = /stack-docker|DOCKER|10\.9[01]\.0\./
const scripts = join(import.meta.dirname, "docker")
/** What the engine of all tests was made from. */
const built = process.env.STACK_ENGINE_HOME ?? "/var/lib/stack-engine"
const debian = "debian:bookworm-slim"

/** Whether a daemon can be started here: Debian's docker.io, or Docker's own packages. */
export function canRunDocker(): boolean {
  return existsSync("/usr/bin/dockerd") || existsSync("/usr/sbin/dockerd")
}

/**
 * Docker as a laptop has it: a daemon that runs, a CLI that finds it, and the engine's image, which is made of the parts
 * of the provisioned engine, as its maker's cannot be had here. It knows nothing of the engine of the other tests.
 */
export class DockerDaemon {
  private constructor(
    /** Everything of it lies here. */
    private readonly folder: string,
    private readonly mirror: FaultProxy,
    private readonly registry: TestRegistry,
    /** In front of the registry, where Docker and the engine find it. */
    private readonly front: FaultProxy,
  ) {}

  /**
   * Starts the daemon, with Debian's image as it would be pulled from Docker Hub.
   * @throws Error where docker.io is not installed
   */
  static async start(): Promise<DockerDaemon> {
    // Always the same: what a killed test has left is found by the next one.
    const folder = join(tmpdir(), "stack-docker")
    await daemon("up", folder)
    const mirrorPort = Number((await localMirror()).split(":")[1])
    const registry = await startRegistry()
    const [mirror, front] = await Promise.all(
      [mirrorPort, registry.port].map((port) => startFaultProxy(port, [], { listen: machine })),
    )
    if (mirror === undefined || front === undefined) throw new Error("no proxy")
    const docker = new DockerDaemon(folder, mirror, registry, front)
    try {
      await docker.setUp()
      await docker.loadEngine()
      return docker
    } catch (error) {
      await docker.stop()
      throw error
    }
  }

  /** `host:port` of a registry for Docker, the engine in it, and this machine. */
  get registryHost(): string {
    return `${machine}:${String(this.front.port)}`
  }

  /** Docker's CLI; fails with what it said. @returns its output */
  async docker(...args: readonly string[]): Promise<string> {
    const ended = await run("docker", args, { cwd: this.folder, env: this.env, timeout: 200_000 })
    if (ended.status !== 0) throw new Error(`docker ${args.join(" ")}: ${ended.stderr}`)
    return ended.stdout.trim()
  }

  /** Calls `./stack` as on a laptop: with Docker and the dagger CLI in PATH, and no engine provisioned. */
  stack(args: readonly string[], cwd: string): Promise<Ended> {
    return stack(args, { cwd, env: this.env, timeout: 400_000 })
  }

  /** Gives Docker the engine's image under the name that the CLI asks for: that of its own version. */
  private async loadEngine(): Promise<void> {
    const said = (await run("dagger", ["version"], { cwd: this.folder, env: this.env })).stdout
    const name = /image:\/\/(\S+?)\)/.exec(said)?.[1]
    if (name === undefined) throw new Error(`dagger version names no image: ${said}`)
    const context = await mkdtemp(join(this.folder, "engine-"))
    const sdk = (await readFile(join(built, "images/sdk"), "utf8")).trim()
    await mkdir(join(context, "bin"))
    for (const [part, as] of [
      ["engine", "dagger-engine"],
      ["init", "dagger-init"],
    ] as const) {
      await link(join(built, "bin/libexec", part), join(context, "bin", as))
    }
    await cp(join(scripts, "entrypoint.sh"), join(context, "bin/dagger-entrypoint"))
    await cp(join(scripts, "buildctl"), join(context, "bin/buildctl"))
    await cp(join(built, "cni"), join(context, "cni"), { recursive: true })
    await mustRun("cp", ["--archive", "--link", join(built, "content"), join(context, "content")])
    await mustRun("node", [join(checkout, "engine/oci.mjs"), "prune", join(context, "content"), sdk])
    const file = join(scripts, "Dockerfile")
    await this.docker(
      "build",
      "--quiet",
      `--tag=${name}`,
      `--file=${file}`,
      `--build-arg=SDK=${sdk}`,
      context,
    )
  }

  /** Ends it and all that it has started. @returns what is left of it on this machine: nothing */
  async stop(): Promise<readonly string[]> {
    await this.mirror.stop()
    await this.front.stop()
    await this.registry.stop()
    await daemon("down", this.folder)
    return whatIsLeft(this.folder)
  }

  private get env(): Readonly<Record<string, string>> {
    return {
      PATH: `${join(this.folder, "bin")}:${process.env.PATH ?? ""}`,
      DOCKER_HOST: `unix://${join(this.folder, "docker.sock")}`,
      DOCKER_CONFIG: join(this.folder, "config"),
      DOCKER_BUILDKIT: "1",
      XDG_CONFIG_HOME: join(this.folder, "config"),
      // What another test, or the caller, has of the provisioned engine.
      ...Object.fromEntries(
        Object.keys(process.env)
          .filter((name) => name.startsWith("STACK_"))
          .map((name) => [name, ""]),
      ),
      _EXPERIMENTAL_DAGGER_RUNNER_HOST: "",
    }
  }

  private async setUp(): Promise<void> {
    const bin = join(this.folder, "bin")
    await mkdir(bin)
    // The CLI beside the daemon: another one in PATH may want a plugin to build.
    await symlink("/usr/bin/docker", join(bin, "docker"))
    await symlink(join(built, "bin/dagger"), join(bin, "dagger"))
    // As docs.dagger.io has it for registries and certificates of one's own: the CLI gives the engine both.
    const config = join(this.folder, "config/dagger")
    await mkdir(config, { recursive: true })
    const plain = Object.fromEntries(
      [this.mirror.port, this.front.port].map((port) => [`${machine}:${String(port)}`, { http: true }]),
    )
    const mirrors = [`${machine}:${String(this.mirror.port)}/docker.io`]
    await writeFile(
      join(config, "engine.json"),
      JSON.stringify({ registries: { "docker.io": { mirrors }, ...plain } }),
    )
    const certificates = "/usr/local/share/ca-certificates"
    if (existsSync(certificates)) await cp(certificates, join(config, "ca-certificates"), { recursive: true })
    const pulled = `${machine}:${String(this.mirror.port)}/docker.io/library/${debian}`
    await this.docker("pull", "--quiet", pulled)
    await this.docker("tag", pulled, debian)
  }
}

async function daemon(command: "up" | "down", folder: string): Promise<void> {
  await mustRun(join(scripts, "daemon.sh"), [command, folder])
}

async function mustRun(program: string, args: readonly string[]): Promise<string> {
  const ended = await run(program, args, { cwd: tmpdir(), timeout: 120_000 })
  if (ended.status !== 0) throw new Error(`${program} ${args.join(" ")}: ${ended.stderr}`)
  return ended.stdout
}

/** Traces of a daemon: mounts, rules, interfaces, groups of processes, processes, files. */
async function whatIsLeft(folder: string): Promise<readonly string[]> {
  const [rules, links, groups, mounts] = await Promise.all([
    mustRun("iptables-save", []),
    mustRun("ip", ["-oneline", "address"]),
    mustRun("find", ["/sys/fs/cgroup", "-type", "d", "-name", "stack-docker*"]),
    readFile("/proc/self/mounts", "utf8"),
  ])
  const lines = [rules, links, groups, mounts].join("\n").split("\n")
  const processes = await Promise.all(
    (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(commandLine),
  )
  return [
    ...lines.filter((line) => traces.test(line)),
    ...processes.filter((line) => line.includes(folder)),
    ...(existsSync(folder) ? [folder] : []),
  ]
}

async function commandLine(pid: string): Promise<string> {
  return (await readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => "")).replaceAll("\0", " ")
}
