import { cpus, loadavg, release, totalmem } from "node:os"
import { formatBytes } from "../dagger/lib/text/format.js"
import { checkout, run, stack } from "../tests/support/stack.js"

/** The machine and what runs on it, as lines for the top of the tables. */
export async function describeMachine(at: Date): Promise<string> {
  const [engine, commit] = await Promise.all([engineVersion(), commitOf()])
  const [first] = cpus()
  const lines = [
    `${at.toISOString().slice(0, 16).replace("T", " ")} UTC, commit ${commit}`,
    `${cpus().length} cores (${first?.model.trim() ?? "unknown"}), ${formatBytes(totalmem())} of memory, Linux ${release()}`,
    `Dagger ${engine}, Node ${process.versions.node}`,
    describeLoad("before"),
  ]
  return lines.map((line) => `- ${line}`).join("\n")
}

/** `load before: 0.12`: how much else the machine had to do in the last minute. */
export function describeLoad(when: "before" | "after"): string {
  return `load ${when}: ${(loadavg()[0] ?? 0).toFixed(2)}`
}

async function engineVersion(): Promise<string> {
  const { stdout } = await stack(["engine", "status"], { cwd: checkout })
  return /^version +(\S+)/m.exec(stdout)?.[1] ?? "unknown"
}

async function commitOf(): Promise<string> {
  const git = await run("git", ["describe", "--always", "--dirty", "--abbrev=12"], { cwd: checkout })
  return git.stdout.trim()
}
