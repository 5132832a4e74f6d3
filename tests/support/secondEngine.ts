import { mkdir } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { EnginePlace } from "./enginePlace.js"
import type { Ended, RunningProgram } from "./stack.js"
import { checkout, removeFolder, run, start } from "./stack.js"

/** What the engine of all tests was made from. */
const built = process.env.STACK_ENGINE_HOME ?? "/var/lib/stack-engine"

/** How a second engine differs from every other one on this machine. */
export interface SecondEngineSettings {
  /** Name of its network, of at most 14 letters. */
  readonly name: string
  /** First two numbers of its network: `10.89`. */
  readonly prefix: string
  readonly registryPort: number
  /** Size of a disk of its own for its cache, as tmpfs takes it; the machine's where not given. */
  readonly disk?: string
  /** A folder that comes first in PATH. */
  readonly path?: string
}

/**
 * An engine beside the one that the tests share, for what would hurt that one: with a network, a registry's port and a
 * state directory of its own. What is built already is the same for both, by hard links: nothing of it is written to.
 */
export class SecondEngine implements EnginePlace {
  readonly bridge: string
  readonly home: string
  readonly env: Readonly<Record<string, string>>

  private constructor({ name, prefix, registryPort, path }: SecondEngineSettings) {
    this.bridge = `${prefix}.0.1`
    // Always the same: what a killed test has left is found by the next one.
    this.home = join(tmpdir(), `second-engine-${name}`)
    this.env = {
      STACK_ENGINE: "own",
      STACK_ENGINE_HOME: this.home,
      STACK_ENGINE_NETWORK_NAME: name,
      STACK_ENGINE_NETWORK: `${prefix}.0.0/16`,
      STACK_REGISTRY_PORT: String(registryPort),
      ...(path !== undefined && { PATH: `${path}:${process.env.PATH ?? ""}` }),
    }
  }

  /** Lays out its folder; `up` starts it. */
  static async make(settings: SecondEngineSettings): Promise<SecondEngine> {
    const engine = new SecondEngine(settings)
    await engine.remove()
    await mkdir(engine.cache, { recursive: true })
    if (settings.disk !== undefined) {
      await engine.shell(
        `mount -t tmpfs -o mode=755,size=${settings.disk} ${settings.name} '${engine.cache}'`,
      )
    }
    for (const part of ["bin", "cni", "build", "content", "images", "steps"]) {
      await engine.shell(`cp -al '${built}/${part}' '${engine.home}/'`)
    }
    return engine
  }

  /** Folder of its cache. */
  get cache(): string {
    return join(this.home, "state")
  }

  /** Gives the disk of its cache another size. */
  async resize(size: string): Promise<void> {
    await this.shell(`mount -o remount,size=${size} '${this.cache}'`)
  }

  /** engine.sh of a checkout, with this engine's settings. */
  command(command: string, from = checkout, env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    const options = { cwd: tmpdir(), env: { ...this.env, ...env }, timeout: 600_000 }
    return run(join(from, "engine/engine.sh"), command.split(" "), options)
  }

  /** Starts such a command, to be interrupted. */
  begin(command: string): RunningProgram {
    return start(join(checkout, "engine/engine.sh"), command.split(" "), { cwd: tmpdir(), env: this.env })
  }

  /** Output of a shell's script that has the engine's settings in its environment. */
  async shell(script: string): Promise<string> {
    return (await run("bash", ["-c", script], { cwd: checkout, env: this.env })).stdout.trim()
  }

  /**
   * Keeps what was made here beside what the engine of all tests was made from: the next one has it, as long as its inputs
   * are the same (engine/lib/steps.sh).
   * @param steps names of steps, with what each has made
   */
  async keep(steps: Readonly<Record<string, string>>): Promise<void> {
    const lines = Object.entries(steps).map(
      ([step, made]) => `if [ -f '${this.home}/steps/${step}' ]; then
        rm -f '${built}/steps/${step}'
        ln -f '${this.home}/${made}' '${built}/${made}'
        ln '${this.home}/steps/${step}' '${built}/steps/${step}'
      fi`,
    )
    await this.shell(lines.join("\n"))
  }

  /** The engine's pid; undefined where it does not run. */
  async pid(): Promise<number | undefined> {
    const { status, stdout } = await this.command("pid")
    return status === 0 ? Number(stdout) : undefined
  }

  /** Stops it, and removes everything of it. */
  async remove(): Promise<void> {
    await this.command("down")
    await this.shell(`! mountpoint --quiet '${this.cache}' || umount '${this.cache}'`)
    await removeFolder(this.home)
  }
}
