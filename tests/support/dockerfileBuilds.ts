import { execFile } from "node:child_process"
import { join } from "node:path"
import { checkout } from "./stack.js"

/** What can be seen of a built image: its files below `/probe`, and the configuration of its containers. */
export interface BuiltImage {
  readonly files: readonly string[]
  readonly config: unknown
}

/** How `dockerBuild` is called on a folder. */
export interface DockerBuild {
  readonly folder: string
  readonly dockerfile?: string
  readonly target?: string
  readonly buildArgs?: Readonly<Record<string, string>>
  /** Texts of files that are replaced in the folder before it is built. */
  readonly changes?: Readonly<Record<string, string>>
}

/** The engine's own query interface, without the module: `./stack` provides engine and CLI where none is set. */
const engineScript = `
[[ -n \${_EXPERIMENTAL_DAGGER_RUNNER_HOST-} ]] || eval "$("$0" engine env)"
[[ $1 == mirror ]] && exec echo "$STACK_MIRROR"
exec timeout 600 dagger query --silent`

/** Address of the registry of this run of tests (tests/e2e/globalSetup.ts), as the engine and this machine find it. */
export function localRegistry(): string {
  const address = process.env.STACK_TEST_REGISTRY
  if (address === undefined) throw new Error("STACK_TEST_REGISTRY is not set: run this with ./stack test e2e")
  return address
}

/** Address of docker.io's mirror on the provisioned engine. */
export async function localMirror(): Promise<string> {
  return (await engine("mirror", "")).trim()
}

/** Builds, and looks at the result. */
export async function inspect(build: DockerBuild): Promise<BuiltImage> {
  const list = "cd /probe && find . | LC_ALL=C sort | while read -r f; do stat -c '%A %u:%g %N' \"$f\"; done"
  const sums = 'find /probe -type f | LC_ALL=C sort | while read -r f; do sha256sum "$f"; done'
  const script = JSON.stringify(`${list}; ${sums}`)
  const selection = `entrypoint defaultArgs user workdir envVariables { name value } labels { name value }
    withUser(name: "0") { withExec(args: ["sh", "-c", ${script}], useEntrypoint: false) { stdout } }`
  const [built] = await containers<{ withUser: { withExec: { stdout: string } } }>([[build, selection]])
  if (built === undefined) throw new Error("the engine answered without a container")
  const { withUser, ...config } = built
  return { files: withUser.withExec.stdout.trim().split("\n"), config }
}

/** Builds, and gives the text of a file of the result. */
export async function builtText(build: DockerBuild, path: string): Promise<string> {
  const selection = `file(path: ${JSON.stringify(path)}) { contents }`
  const [built] = await containers<{ file: { contents: string } }>([[build, selection]])
  return built?.file.contents ?? ""
}

/** Builds and publishes in one session; gives the digests of the published layers of each. */
export async function publish(
  builds: readonly (readonly [build: DockerBuild, reference: string])[],
): Promise<readonly (readonly string[])[]> {
  await containers(
    builds.map(([build, reference]) => [build, `publish(address: ${JSON.stringify(reference)})`]),
  )
  return Promise.all(builds.map(([, reference]) => layersOf(reference)))
}

async function layersOf(reference: string): Promise<readonly string[]> {
  const [, host = "", path = "", tag = ""] = /^([^/]+)\/(.+):([^:/]+)$/.exec(reference) ?? []
  const accept = "application/vnd.oci.image.manifest.v1+json"
  const response = await fetch(`http://${host}/v2/${path}/manifests/${tag}`, { headers: { accept } })
  const manifest = (await response.json()) as { layers: readonly { digest: string }[] }
  return manifest.layers.map(({ digest }) => digest)
}

async function containers<T>(
  builds: readonly (readonly [DockerBuild, selection: string])[],
): Promise<readonly T[]> {
  const fields = builds.map(([build, selection], index) => `b${index}: ${buildQuery(build, selection)}`)
  const result = JSON.parse(await engine("query", `{ ${fields.join(" ")} }`)) as Record<string, unknown>
  return builds.map(([{ changes = {} }], index) => {
    // The answer has the shape of the query: one object inside the other, down to the build's.
    const { directory } = result[`b${index}`] as { directory: unknown }
    const answer = Object.keys(changes).reduce(
      (outer) => (outer as { withNewFile: unknown }).withNewFile,
      directory,
    )
    return (answer as { dockerBuild: T }).dockerBuild
  })
}

function buildQuery(
  { folder, dockerfile = "Dockerfile", target, buildArgs = {}, changes = {} }: DockerBuild,
  selection: string,
): string {
  const quote = (text: string) => JSON.stringify(text)
  const values = Object.entries(buildArgs).map(
    ([name, value]) => `{ name: ${quote(name)}, value: ${quote(value)} }`,
  )
  const to = target === undefined ? "" : `target: ${quote(target)},`
  const build = `dockerBuild(dockerfile: ${quote(dockerfile)}, ${to} buildArgs: [${values.join(", ")}]) { ${selection} }`
  const changed = Object.entries(changes).reduceRight(
    (inner, [path, text]) => `withNewFile(path: ${quote(path)}, contents: ${quote(text)}) { ${inner} }`,
    build,
  )
  return `host { directory(path: ${quote(folder)}) { ${changed} } }`
}

function engine(what: "mirror" | "query", input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const args = ["-c", engineScript, join(checkout, "stack"), what]
    const child = execFile("bash", args, { maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`${what}: ${stderr || error.message}`))
    })
    // A program that ends without reading its input is told of by its status.
    child.stdin?.on("error", () => undefined)
    child.stdin?.end(input)
  })
}
