import { randomUUID } from "node:crypto"
import { dag, ReturnType } from "@dagger.io/dagger"
import type { Directory, Secret } from "@dagger.io/dagger"
import type { WikiJobInput, WikiResult } from "../../tools/wiki/job.js"
import { cleanSecret } from "./secretText.js"
import { directoryOf } from "./textFiles.js"
import { toolbox, toolCommand } from "./toolbox.js"

/** A wiki's repository and the login to it. */
export interface WikiAccess {
  readonly url: string
  readonly username?: string | undefined
  readonly token?: Secret | undefined
}

/** Where the tool's answer goes: printed, it would stand in the progress output, long as it is. */
const resultFile = "/result.json"
/** Where the token is mounted; it is nowhere else. */
const tokenFile = "/run/secrets/wiki-token"

/** Where the tool leaves copies of what it wrote. */
const outputFolder = "/written"

/** What of a job its callers choose. */
export type WikiJobOptions = Pick<WikiJobInput, "dryRun">

/** What came of a job, and the files of the wiki that it changed, or would in a dry run, by path. */
export interface WikiRun {
  readonly result: WikiResult
  readonly written: Directory
}

/**
 * Runs a job of the wiki tool in a container of its own; what goes wrong is a result with its sentence.
 * @throws Error where the tool itself could not run
 */
export async function runWiki(
  access: WikiAccess,
  action: WikiJobInput["action"],
  options: WikiJobOptions = {},
): Promise<WikiResult> {
  return (await runWikiJob(access, action, options)).result
}

/** As `runWiki`, with the files. @throws Error where the tool itself could not run */
export async function runWikiJob(
  { url, username, token }: WikiAccess,
  action: WikiJobInput["action"],
  options: WikiJobOptions = {},
): Promise<WikiRun> {
  const job: WikiJobInput = {
    ...options,
    url,
    action,
    output: outputFolder,
    ...(username !== undefined && { user: username }),
    ...(token !== undefined && { tokenFile }),
  }
  // As a file: an argument would stand in the progress output, with all packages of all images.
  const tools = (await toolbox())
    .withFile("/job.json", (await directoryOf(new Map([["job.json", JSON.stringify(job)]]))).file("job.json"))
    .withDirectory(outputFolder, dag.directory())
  const ready = token === undefined ? tools : tools.withMountedSecret(tokenFile, await cleanSecret(token))
  const ended = ready
    // Wikis change: no run's answer is another's.
    .withEnvVariable("STACK_RUN", randomUUID())
    .withExec(toolCommand("wiki", "/job.json"), { expect: ReturnType.Any, redirectStdout: resultFile })
  const [output, errors] = await Promise.all([ended.file(resultFile).contents(), ended.stderr()])
  if (output.trim() === "") throw new Error(`the wiki tool ended without an answer: ${errors}`)
  return { result: JSON.parse(output) as WikiResult, written: ended.directory(outputFolder) }
}
