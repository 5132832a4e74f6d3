import { spawn } from "node:child_process"
import { once } from "node:events"
import { closeSync, existsSync, openSync, readFileSync } from "node:fs"
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { localMirror } from "../tests/support/dockerfileBuilds.js"
import { checkout, run } from "../tests/support/stack.js"
import type { Tools } from "./tools.js"
import { benchFolder } from "./tools.js"

/** A build by BuildKit itself. */
export interface BuildKitBuild {
  readonly context: string
  /** Folder of `stack.Dockerfile`. */
  readonly dockerfile: string
  /** Stages that are built at the same time. */
  readonly targets: readonly string[]
}

/** A BuildKit daemon of the bench's own; its cache stays for the next time. */
export interface BuildKit {
  /** @throws Error where a build fails */
  build(build: BuildKitBuild): Promise<void>
  stop(): Promise<void>
}

const startSeconds = 30

/**
 * Starts BuildKit with runc, the host's network, and the mirror of docker.io that the engine has, too.
 * @throws Error where it does not come up
 */
export async function startBuildKit({ buildkitd, buildctl }: Tools): Promise<BuildKit> {
  const folder = join(benchFolder, "buildkit")
  const socket = join(folder, "buildkitd.sock")
  const log = join(folder, "buildkitd.log")
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, "buildkitd.toml"), configuration(await localMirror()))
  const output = openSync(log, "w")
  const daemon = spawn(
    buildkitd,
    [
      `--config=${join(folder, "buildkitd.toml")}`,
      `--root=${join(folder, "state")}`,
      `--addr=unix://${socket}`,
    ],
    { stdio: ["ignore", output, output] },
  )
  closeSync(output)
  const ended = once(daemon, "exit")
  for (let tries = 0; !(await answers(buildctl, socket)); tries += 1) {
    if (daemon.exitCode !== null || tries > startSeconds * 5) {
      daemon.kill()
      throw new Error(`buildkitd did not start:\n${readFileSync(log, "utf8").slice(-2000)}`)
    }
    await pause(200)
  }
  return {
    build: async ({ context, dockerfile, targets }) => {
      const options = ["--frontend=dockerfile.v0", "--opt=filename=stack.Dockerfile", "--progress=plain"]
      const folders = [`--local=context=${context}`, `--local=dockerfile=${dockerfile}`]
      const builds = targets.map((target) => {
        const args = [`--addr=unix://${socket}`, "build", ...options, ...folders, `--opt=target=${target}`]
        return run(buildctl, args, { cwd: checkout })
      })
      const failed = (await Promise.all(builds)).find(({ status }) => status !== 0)
      if (failed !== undefined) throw new Error(`buildctl: ${failed.stderr.slice(-2000)}`)
    },
    stop: async () => {
      daemon.kill()
      await ended
    },
  }
}

function configuration(registry: string): string {
  return [
    `[worker.oci]`,
    `  enabled = true`,
    `  networkMode = "host"`,
    `[worker.containerd]`,
    `  enabled = false`,
    `[registry."docker.io"]`,
    `  mirrors = ["${registry}/docker.io"]`,
    `[registry."${registry}"]`,
    `  http = true`,
    ``,
  ].join("\n")
}

async function answers(buildctl: string, socket: string): Promise<boolean> {
  if (!existsSync(socket)) return false
  const { status } = await run(buildctl, [`--addr=unix://${socket}`, "debug", "workers"], { cwd: checkout })
  return status === 0
}
