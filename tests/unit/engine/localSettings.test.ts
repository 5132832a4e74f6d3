import { chmod, copyFile, cp, mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterEach, beforeEach, expect, it } from "vitest"
import { fakeDagger } from "../../support/fakeDagger.js"
import { removeTemporaryFolders, temporaryFolder } from "../../support/gitRepo.js"
import type { Ended } from "../../support/stack.js"
import { checkout, run } from "../../support/stack.js"

// ./stack in a checkout of its own, with an engine that only answers, and a CLI that only records.

let folder: string

beforeEach(async () => {
  folder = await temporaryFolder()
  await mkdir(join(folder, "engine"))
  await copyFile(join(checkout, "stack"), join(folder, "stack"))
  await cp(join(checkout, "lib"), join(folder, "lib"), { recursive: true })
  const url = "STACK_RSTUDIO_DEB_URL='http://a/${HOME},\"x\"' STACK_RSTUDIO_DEB_SHA256="
  const env = `_EXPERIMENTAL_DAGGER_RUNNER_HOST=tcp://fake ${url}`
  await writeFile(
    join(folder, "engine/engine.sh"),
    `#!/bin/bash\ncase $1 in\n  env) cat <<'E'\nexport ${env}\nE\n    ;;\n  pid) echo $PPID ;;\nesac\n`,
  )
  await chmod(join(folder, "engine/engine.sh"), 0o755)
})

afterEach(removeTemporaryFolders)

/** Plans a source that has images of these names, and gives the call's settings. */
async function settingsOf(
  local: string,
  images: readonly string[],
  foreign?: string,
): Promise<{ readonly ended: Ended; readonly settings: readonly string[] }> {
  await writeFile(join(folder, "local.settings"), local)
  const source = join(folder, "source")
  for (const name of images) await mkdir(join(source, "images", name), { recursive: true })
  if (foreign !== undefined) await writeFile(join(source, "local.settings"), foreign)
  const fake = fakeDagger(join(folder, "fake"), { plan: {}, report: {} })
  const env = { PATH: `${fake.bin}:${process.env.PATH ?? ""}`, STACK_ENGINE: "own", GPU_PASSWORD: "hunter2" }
  const call = ["plan", `--source=${source}`, "json"]
  const ended = await run(join(folder, "stack"), call, { cwd: folder, env, timeout: 20_000 })
  const [{ args } = { args: [] }] = fake.calls()
  return { ended, settings: args.filter((word) => word.startsWith("--set=")) }
}

it("gives a source the settings of this checkout for its images, read back by the CLI as they were", async () => {
  const local = "# a comment\nbase.A=1\nother.B=2\nbase.C=a, b\nbase.URL=<${STACK_RSTUDIO_DEB_URL}>"
  const { settings } = await settingsOf(local, ["base"])
  expect(settings).toEqual([
    "--set=base.A=1",
    '--set="base.C=a, b"',
    // The last line has no line break; what a variable's value looks like is not looked at again.
    '--set="base.URL=<http://a/${HOME},""x"">"',
  ])
})

it("reads nothing of another source's: no variable of the caller ends in what that one builds", async () => {
  const { ended, settings } = await settingsOf("base.A=1\n", ["base"], "base.X=${GPU_PASSWORD}\n")
  expect(settings).toEqual(["--set=base.A=1"])
  expect(ended.stdout + ended.stderr).not.toContain("hunter2")
})

it.each(["GPU_PASSWORD", "PATH", "STACK_RSTUDIO_X", "A${STACK_RSTUDIO_DEB_URL", ""])(
  "refuses the variable %j, and begins nothing",
  async (name) => {
    const { ended, settings } = await settingsOf(`base.X=\${${name}}\n`, ["base"])
    expect(ended.status).toBe(1)
    expect(ended.stderr).toContain(`local.settings: \${${name}} is none of the variables that it may have`)
    expect(settings).toEqual([])
  },
)
