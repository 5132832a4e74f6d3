import { Container, dag } from "@dagger.io/dagger"
import { directoryOf } from "./textFiles.js"

/**
 * A container with git, Node and this module's code, for work that the module's own process cannot do: it has no git.
 * Its programs are `dagger/tools/*.ts`; each prints JSON.
 */
export async function toolbox(): Promise<Container> {
  const module = dag.currentModule().source()
  // As texts: the engine knows a part of a directory by the whole, and would install again after any change of a source.
  const [manifest, lock] = await Promise.all(
    ["package.json", "package-lock.json"].map((name) => module.file(name).contents()),
  )
  const packages = new Map([
    ["package.json", manifest ?? ""],
    ["package-lock.json", lock ?? ""],
  ])
  return (
    dag
      .container()
      .from("node:22-bookworm-slim")
      .withExec([
        "sh",
        "-c",
        "apt-get update -qq && apt-get install -qq -y --no-install-recommends git ca-certificates >/dev/null && rm -rf /var/lib/apt/lists/*",
      ])
      // npm's Node does not look at the system's certificates by itself.
      .withEnvVariable("NODE_EXTRA_CA_CERTS", "/etc/ssl/certs/ca-certificates.crt")
      .withWorkdir("/module")
      .withDirectory(".", await directoryOf(packages))
      .withMountedCache("/root/.npm", dag.cacheVolume("stack-toolbox-npm"))
      .withExec(["npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"])
      .withoutMount("/root/.npm")
      .withDirectory(".", module, { include: ["src", "tools"] })
  )
}

/** Command line of one of the tools. */
export function toolCommand(tool: string, ...args: readonly string[]): string[] {
  return ["node_modules/.bin/tsx", `tools/${tool}.ts`, ...args]
}
