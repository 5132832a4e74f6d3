import { randomUUID } from "node:crypto"
import { dag, ReturnType } from "@dagger.io/dagger"
import type { Secret } from "@dagger.io/dagger"
import type { WikiJobInput, WikiResult } from "../../tools/wiki/job.js"
import { toolbox, toolCommand } from "./toolbox.js"

/** A wiki's repository and the login to it. */
export interface WikiAccess {
  readonly url: string
  readonly username?: string
  readonly token?: Secret
}

/** Where the token is mounted; it is nowhere else. */
const tokenFile = "/run/secrets/wiki-token"

/**
 * Runs a job of the wiki tool in a container of its own; what goes wrong is a result with its sentence.
 * @throws Error where the tool itself could not run
 */
export async function runWiki(
  { url, username, token }: WikiAccess,
  action: WikiJobInput["action"],
  options: Partial<Omit<WikiJobInput, "url" | "action" | "user" | "tokenFile">> = {},
): Promise<WikiResult> {
  const job: WikiJobInput = {
    ...options,
    url,
    action,
    ...(username !== undefined && { user: username }),
    ...(token !== undefined && { tokenFile }),
  }
  const tools = toolbox().withMountedFile("/job.json", dag.file("job.json", JSON.stringify(job)))
  const ready = token === undefined ? tools : tools.withMountedSecret(tokenFile, token)
  const ended = ready
    // Wikis change: no run's answer is another's.
    .withEnvVariable("STACK_RUN", randomUUID())
    .withExec(toolCommand("wiki", "/job.json"), { expect: ReturnType.Any })
  const output = await ended.stdout()
  if (output.trim() === "") throw new Error(`the wiki tool ended without an answer: ${await ended.stderr()}`)
  return JSON.parse(output) as WikiResult
}
