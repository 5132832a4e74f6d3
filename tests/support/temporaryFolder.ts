import { chmodSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/**
 * Gives a test run a temporary folder of its own, and removes it at the end with whatever tests have left in it.
 * vitest calls this once a run, before it starts the processes of the tests: they inherit the variable.
 */
export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), "stack-tests-"))
  // Accounts of test servers enter it, too.
  chmodSync(folder, 0o755)
  process.env.TMPDIR = folder
  return () => {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}
