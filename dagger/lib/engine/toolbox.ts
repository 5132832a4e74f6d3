import { Container, dag } from "@dagger.io/dagger"
import { directoryOf } from "./textFiles.js"

const moduleFolder = "/module"

/** Programs of `dagger/tools` that are started in it. */
const programs = ["gitFacts", "gitBranches", "wiki"] as const

/** Node on Debian, for this module's own programs. */
export const nodeImage = "node:22-bookworm-slim"

/** Debian packages on Node's image. */
function withPackages(container: Container, ...packages: readonly string[]): Container {
  const install = `apt-get install -qq -y --no-install-recommends ${packages.join(" ")} >/dev/null`
  return container.withExec(["sh", "-c", `apt-get update -qq && ${install} && rm -rf /var/lib/apt/lists/*`])
}

function gitOnNode(): Container {
  return withPackages(dag.container().from(nodeImage), "git").withWorkdir(moduleFolder)
}

/** Programs in TypeScript as files that Node starts by itself: tsx would compile them in each call. */
const bundle = [
  ...["--bundle", "--platform=node", "--target=node22", "--format=esm", "--out-extension:.js=.mjs"],
  // Packages written for CommonJS ask for Node's own by a function that a file of ES modules has not.
  '--banner:js=import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
  ...["--outdir=programs", "--log-level=warning"],
]

/**
 * A container with git, Node and this module's programs, for work that the module's own process cannot do: it has no git.
 * They are `dagger/tools/*.ts`; each prints JSON.
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
    withPackages(gitOnNode(), "ca-certificates")
      // npm's Node does not look at the system's certificates by itself.
      .withEnvVariable("NODE_EXTRA_CA_CERTS", "/etc/ssl/certs/ca-certificates.crt")
      .withDirectory(".", await directoryOf(packages))
      .withMountedCache("/root/.npm", dag.cacheVolume("stack-toolbox-npm"))
      .withExec(["npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"])
      .withoutMount("/root/.npm")
      .withDirectory(".", module, { include: ["lib", "tools"] })
      .withExec(["node_modules/.bin/esbuild", ...programs.map((name) => `tools/${name}.ts`), ...bundle])
  )
}

/**
 * The same for work without a network. It knows no certificates, so that an engine with certificates of its own does
 * not spend a second of each call on putting them in and taking them out again.
 */
export async function offlineToolbox(): Promise<Container> {
  return gitOnNode().withMountedDirectory(moduleFolder, (await toolbox()).directory(moduleFolder))
}

/** Command line of one of the programs. */
export function toolCommand(program: (typeof programs)[number], ...args: readonly string[]): string[] {
  return ["node", `programs/${program}.mjs`, ...args]
}
