import { createHash } from "node:crypto"
import { existsSync } from "node:fs"
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { checkout, run } from "../tests/support/stack.js"

/** What the module is compared with, by the names of their programs. */
export interface Tools {
  readonly buildctl: string
  readonly buildkitd: string
  readonly crane: string
}

/** Where the bench keeps what it compiles, and BuildKit its cache. */
export const benchFolder = join(process.env.STACK_ENGINE_HOME ?? "/var/lib/stack-engine", "bench")

/**
 * The programs of `bench/go`, compiled where they are not there yet: minutes at the first time.
 * @throws Error where Go cannot compile them
 */
export async function compiledTools(say: (line: string) => void): Promise<Tools> {
  const folder = join(benchFolder, "bin")
  const source = join(checkout, "bench/go")
  const sums = await Promise.all(["go.mod", "go.sum"].map((name) => readFile(join(source, name))))
  const key = createHash("sha256").update(Buffer.concat(sums)).digest("hex")
  const stamp = join(benchFolder, "bin.key")
  const tools = {
    buildctl: join(folder, "buildctl"),
    buildkitd: join(folder, "buildkitd"),
    crane: join(folder, "crane"),
  }
  if (existsSync(stamp) && (await readFile(stamp, "utf8")) === key) return tools
  say("compiling buildkitd, buildctl and crane ...")
  await mkdir(folder, { recursive: true })
  const options = { cwd: source, env: { GOBIN: folder, CGO_ENABLED: "0" }, timeout: 1_800_000 }
  const { status, stderr } = await run("go", ["install", "-trimpath", "-ldflags=-s -w", "tool"], options)
  if (status !== 0) throw new Error(`go install: ${stderr.slice(-2000)}`)
  await writeFile(stamp, key)
  return tools
}
