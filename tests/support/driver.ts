import { execFileSync, spawnSync } from "node:child_process"
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"
import type { TestRun } from "../../dagger/lib/testing/testRun.js"
import { parseTestRun } from "../../dagger/lib/testing/testRun.js"

/** The programs that run inside images. */
export const testingFolder = resolve(import.meta.dirname, "../../dagger/testing")

/** Interpreters of this machine that have a pytest: that of the path, and Debian's, whose pytest is older. */
export const interpreters = ["python3", "/usr/bin/python3"].filter(
  (python) => spawnSync(python, ["-c", "import pytest"]).status === 0,
)

/** Texts of test files by their path below the folder of one image's tests. */
export type TestFiles = Readonly<Record<string, string>>

/** A folder laid out as in an image, with the real driver. */
export class TestFolder {
  readonly root = mkdtempSync(join(tmpdir(), "driver-"))
  readonly tests = join(this.root, "tests/base/test")

  constructor(
    files: TestFiles,
    readonly python = "python3",
  ) {
    cpSync(testingFolder, join(this.root, "testing"), { recursive: true })
    mkdirSync(join(this.root, "results"))
    mkdirSync(this.tests, { recursive: true })
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.tests, name)), { recursive: true })
      writeFileSync(join(this.tests, name), text)
    }
  }

  /** The driver's program. */
  get driver(): string {
    return join(this.root, "testing/driver.py")
  }

  /** What the driver finds around it. */
  environment(): NodeJS.ProcessEnv {
    return { ...process.env, STACK_RESULTS: join(this.root, "results") }
  }

  /** Runs the driver, with time limits unless the options name others, and reads its results. */
  drive(...options: string[]): TestRun {
    const limits = ["--timeout", "3", "--total", "60", ...options]
    execFileSync(this.python, [this.driver, ...limits, this.tests], { env: this.environment() })
    return this.results()
  }

  /** Runs what the engine runs in an image: the shell script around the driver. */
  runScript(...options: string[]): TestRun {
    const limits = ["--timeout", "3", "--total", "60", ...options]
    execFileSync("sh", [join(this.root, "testing/run.sh"), ...limits, this.tests], {
      env: this.environment(),
    })
    return this.results()
  }

  results(): TestRun {
    return parseTestRun(readFileSync(join(this.root, "results/results.json"), "utf8"))
  }

  /** Runs plain pytest on the same files: its exit status, and its JUnit file where it has lived to write one. */
  plain(): { readonly status: number; readonly junit: string } {
    const junit = join(this.root, "plain.xml")
    const fixed = ["-m", "pytest", "-q", "--import-mode=importlib", "--rootdir", join(this.root, "tests")]
    const limits = ["--confcutdir", join(this.root, "tests"), "--continue-on-collection-errors"]
    const { status } = spawnSync(this.python, [...fixed, ...limits, `--junitxml=${junit}`, this.tests], {
      env: { ...process.env, STACK_ARTIFACTS: this.root, PYTHONDONTWRITEBYTECODE: "1" },
      cwd: this.root,
      timeout: 60_000,
    })
    return { status: status ?? 137, junit: existsSync(junit) ? readFileSync(junit, "utf8") : "" }
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true })
  }
}

/** Runs the real driver over Python test files. */
export function drive(files: TestFiles, ...options: string[]): TestRun {
  const folder = new TestFolder(files)
  try {
    return folder.drive(...options)
  } finally {
    folder.remove()
  }
}
