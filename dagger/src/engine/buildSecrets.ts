import { dag, Secret } from "@dagger.io/dagger"
import { InputError, atOption } from "../problems.js"

/** Secrets for `RUN --mount=type=secret`, by their id. */
export type BuildSecrets = ReadonlyMap<string, Secret>

/**
 * The secrets of a call. The engine finds a build's secret by the name that it was made with, and one of the command
 * line has none: it is made again here, under its id. Its text enters no key: the engine knows it by its name alone.
 * @param ids what Dockerfiles call them
 * @param secrets what they are, in the same order
 * @throws InputError where these are not as many
 */
export async function buildSecrets(
  ids: readonly string[],
  secrets: readonly Secret[],
): Promise<BuildSecrets> {
  const message = `there are ${ids.length} of it for ${secrets.length} of --secret`
  const hint = "each secret has an id, in the same order: --secret-id=token --secret=env://TOKEN"
  const repeated = ids.find((id, index) => ids.indexOf(id) !== index)
  if (ids.length !== secrets.length || repeated !== undefined) {
    const why = repeated === undefined ? message : `"${repeated}" is given twice`
    throw new InputError([{ location: atOption("--secret-id"), message: why, hint }])
  }
  const named = ids.map(async (id, index) => {
    const plaintext = (await secrets[index]?.plaintext()) ?? ""
    return [id, dag.setSecret(id, plaintext)] as const
  })
  return new Map(await Promise.all(named))
}
