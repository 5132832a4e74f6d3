import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"

/** A real ssh-agent that holds one key. */
export interface SshAgent {
  /** Path of its socket. */
  readonly socket: string
  stop(): Promise<void>
}

/** Starts an ssh-agent. @param privateKey in OpenSSH's format, without a passphrase */
export async function startSshAgent(privateKey: string): Promise<SshAgent> {
  const folder = await mkdtemp(join(tmpdir(), "ssh-agent-"))
  const socket = join(folder, "agent")
  const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" })
  const ended = once(agent, "exit")
  for (let attempt = 0; !existsSync(socket); attempt += 1) {
    if (attempt === 100) throw new Error("ssh-agent did not start")
    await pause(50)
  }
  execFileSync("ssh-add", ["-q", "-"], { input: privateKey, env: { ...process.env, SSH_AUTH_SOCK: socket } })
  return {
    socket,
    stop: async () => {
      agent.kill()
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}
