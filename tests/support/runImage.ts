import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { TestRegistry } from "./registry.js"
import { removeFolder, run } from "./stack.js"

/**
 * Starts a published image for a platform as `docker run --platform` does, without the engine: what a registry answers
 * for the platform is unpacked, and run by runc.
 * @param reference with its tag, below the registry: `team/base:2026.4-main`
 * @param architecture `arm64`
 * @returns what the program has printed
 */
export async function runImage(
  { host, login }: Pick<TestRegistry, "host" | "login">,
  reference: string,
  architecture: string,
  ...program: readonly string[]
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "run-image-"))
  const { username = "", password = "" } = login ?? {}
  const script = `set -euo pipefail
    skopeo --insecure-policy --override-os=linux --override-arch=${architecture} copy --quiet --src-tls-verify=false \\
      --src-creds=${username}:${password} docker://${host}/${reference} dir:image
    mkdir rootfs
    for digest in $(jq -r '.layers[].digest' image/manifest.json); do
      tar --extract --file=image/\${digest#sha256:} --directory=rootfs --exclude='.wh.*'
    done
    runc spec
    jq --argjson program "$PROGRAM" '.process.terminal = false | .process.args = $program' config.json >run.json
    mv run.json config.json
    runc run "\${PWD##*/}" </dev/null`
  try {
    const env = { PROGRAM: JSON.stringify(program) }
    const { status, stdout, stderr } = await run("bash", ["-c", script], { cwd: folder, env })
    if (status !== 0) throw new Error(`${reference} for ${architecture}: ${stderr}`)
    return stdout.trim()
  } finally {
    await removeFolder(folder)
  }
}
