import type { Directory } from "@dagger.io/dagger"
import { dag } from "@dagger.io/dagger"
import { remakeLocks } from "../engine/lockUpdate.js"
import { openSource } from "../gather/openSource.js"
import type { LockChange } from "../locks/lockFile.js"
import { lockChange } from "../locks/lockFile.js"
import { renderLockChanges } from "../locks/lockMarkdown.js"
import { InputError, atOption } from "../problems.js"
import { fenced } from "../text/markdown.js"
import { ageForm, parseAge } from "../text/quantity.js"
import type { ActionOutcome } from "./actionOutcome.js"

/** What a caller asks. */
export interface LockRequest {
  readonly source: Directory
  /** Program of the source that makes the lock files: a path below its folder of images. */
  readonly script: string
  /** `7 d`: versions that are younger are not taken. */
  readonly cooldown: string
}

/**
 * Makes the lock files of a source anew, and tells what differs. The source stays as it is: the files are in the artifacts.
 * @throws InputError for mistakes in the options or the source
 */
export async function updateLocks({ source, script, cooldown }: LockRequest): Promise<ActionOutcome> {
  const seconds = parseAge(cooldown)
  if (seconds === undefined) {
    const message = `"${cooldown}" is not accepted`
    throw new InputError([{ location: atOption("--cooldown"), message, hint: ageForm }])
  }
  const { files, spec } = await openSource(source)
  if (files.files.get(script) === undefined || !script.startsWith(`${spec.imagesDirectory}/`)) {
    const hint = `a program below ${spec.imagesDirectory}/ that makes the lock files; it gets --upgrade and --exclude-newer`
    throw new InputError([{ location: atOption("--script"), message: `there is no file "${script}"`, hint }])
  }
  const images = source.filter({ include: [`${spec.imagesDirectory}/**`] })
  const newest = new Date(Date.now() - seconds * 1000).toISOString().replace(/\.\d+Z$/, "Z")
  const remade = await remakeLocks(images, script, ["--upgrade", "--exclude-newer", newest])
  if (typeof remade === "string") return failed(script, remade)
  const changes = await Promise.all(
    remade.paths.map(async (path) => {
      const before = files.files.has(path) ? await images.file(path).contents() : ""
      return lockChange(path, before, await remade.after.file(path).contents())
    }),
  )
  return remadeResult(changes, remade.after)
}

function failed(script: string, output: string): ActionOutcome {
  const report = { version: 1, kind: "failed", script, output }
  return { ok: false, report, markdown: `# Locks\n\n${script} failed:\n\n${fenced(output)}\n` }
}

function remadeResult(changes: readonly LockChange[], after: Directory): ActionOutcome {
  const folder = changes.reduce((all, { path }) => all.withFile(path, after.file(path)), dag.directory())
  return {
    ok: true,
    report: { version: 1, kind: "remade", files: changes },
    markdown: renderLockChanges(changes),
    folders: new Map([["files", folder]]),
  }
}
