import { randomUUID } from "node:crypto"
import type { Container, Directory } from "@dagger.io/dagger"
import { dag, ReturnType } from "@dagger.io/dagger"
import { cleanText } from "../text/cleanText.js"
import { nodeImage } from "./toolbox.js"

/** Makes lock files; the one that images install is a package of theirs. */
const uvVersion = "0.13.9"

/** Lines of its output that are shown where it fails. */
const shownLines = 40

/** What a program that makes lock files anew has left. */
export interface RemadeLocks {
  /** Paths of files that it made or changed, from the root of the source. */
  readonly paths: readonly string[]
  /** The source afterwards. */
  readonly after: Directory
}

/** Paths of regular files that differ from before, a line each; no name of a lock file has a line break. */
const differing = `
cd /source && find . -type f | LC_ALL=C sort | while IFS= read -r path; do
  cmp -s "$path" "/before/$path" || printf '%s\\n' "\${path#./}"
done
`

/**
 * Runs a program of the source that makes its lock files, in a container with Python and uv that reaches package
 * registries.
 * @param source the folder of images
 * @returns the end of what it said, where it failed
 */
export async function remakeLocks(
  source: Directory,
  script: string,
  options: readonly string[],
): Promise<RemadeLocks | string> {
  const ran = uvOnNode()
    .withDirectory("/before", source)
    .withDirectory("/source", source)
    .withWorkdir("/source")
    .withMountedCache("/root/.cache/uv", dag.cacheVolume("stack-uv"))
    // Registries change: no run's answer is another's.
    .withEnvVariable("STACK_RUN", randomUUID())
    .withExec(["bash", script, ...options], { expect: ReturnType.Any })
  if ((await ran.exitCode()) !== 0) {
    const said = cleanText(`${await ran.stdout()}\n${await ran.stderr()}`).trim()
    return said.split("\n").slice(-shownLines).join("\n")
  }
  const listed = await ran.withExec(["sh", "-c", differing]).stdout()
  return { paths: listed.split("\n").filter((path) => path !== ""), after: ran.directory("/source") }
}

function uvOnNode(): Container {
  const packages = "python3-venv ca-certificates"
  const install = `apt-get update -qq && apt-get install -qq -y --no-install-recommends ${packages} >/dev/null`
  return (
    dag
      .container()
      .from(nodeImage)
      .withExec(["sh", "-c", `${install} && rm -rf /var/lib/apt/lists/*`])
      .withExec(["python3", "-m", "venv", "/opt/uv"])
      .withExec(["/opt/uv/bin/pip", "install", "--quiet", "--only-binary=:all:", `uv==${uvVersion}`])
      .withEnvVariable("PATH", "/opt/uv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
      // Its own list of certificates does not know those of an engine behind a proxy.
      .withEnvVariable("UV_SYSTEM_CERTS", "1")
  )
}
