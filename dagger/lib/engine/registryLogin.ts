import { randomUUID } from "node:crypto"
import type { Secret } from "@dagger.io/dagger"
import { dag } from "@dagger.io/dagger"
import type { Repository } from "../reference/reference.js"
import { cleanSecret } from "./secretText.js"

/** Login to the registry; the password never leaves its Secret but towards the registry. */
export interface RegistryLogin {
  readonly username: string
  readonly password: Secret
  /** Host that it is for; no other one gets it. */
  readonly registry: string
}

/**
 * Makes the login known to the engine's session, for what is pushed and pulled in it: images that a Dockerfile starts
 * from, too. Nothing happens for another registry than the login's own.
 */
export async function loginToRegistry({ registry }: Repository, login: RegistryLogin): Promise<void> {
  if (registry !== login.registry) return
  await dag
    .container()
    // The engine does not carry out again what it knows the answer of: without a fresh value, only the first session
    // with this login would have it.
    .withEnvVariable("STACK_LOGIN", randomUUID())
    .withRegistryAuth(registry, login.username, await cleanSecret(login.password))
    .sync()
}
