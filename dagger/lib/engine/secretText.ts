import { randomUUID } from "node:crypto"
import { dag } from "@dagger.io/dagger"
import type { Secret } from "@dagger.io/dagger"
import { withoutLineBreak } from "../text/trim.js"

/**
 * Reads a password, token or key. The last line break is not part of it: files end with one, and so does what
 * commands print, and the CLI hands over both as they are.
 */
export async function secretText(secret: Pick<Secret, "plaintext">): Promise<string> {
  return withoutLineBreak(await secret.plaintext())
}

/** The same secret for the engine, which takes it as it is given: without a last line break, where it has one. */
export async function cleanSecret(secret: Secret): Promise<Secret> {
  const given = await secret.plaintext()
  const clean = withoutLineBreak(given)
  return clean === given ? secret : dag.setSecret(`secret-${randomUUID()}`, clean)
}
