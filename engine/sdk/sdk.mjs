// The engine's builtin TypeScript SDK: a module that tells the engine how to run modules in TypeScript.
//   node sdk.mjs                answers a function call of the engine
//   node sdk.mjs types FILE     writes the id of the module's types to FILE
// It lies with core.mjs in /opt/dagger of the SDK's image, whose root file system modules run in too.
import { createHash } from "node:crypto"
import { writeFileSync } from "node:fs"
import { connection, dag, serve } from "/opt/dagger/core.mjs"

/** What the engine calls; arguments and results as in its interface for SDKs. */
const functions = {
  "": ({ args }) => ({ root: args.sdkSourceDir }),
  moduleRuntime: async ({ parent, args }) => (await moduleRuntime(parent.root, args)).id(),
  // The client in the module's folder, for editors, is left to the official SDK. The engine takes the difference to the
  // context that it gave: with anything less, the module would find no file in its currentModule().source().
  codegen: ({ args }) =>
    dag.generatedCode(dag.loadModuleSourceFromID(args.modSource).contextDirectory()).id(),
}

async function types() {
  const object = (name) => dag.typeDef().withObject(name)
  const withSources = (name, result) =>
    dag
      .function_(name, object(result))
      .withArg("modSource", object("ModuleSource"))
      .withArg("introspectionJson", object("File"))
  const self = object("TypescriptSdk")
  const constructor = dag.function_("", self).withArg("sdkSourceDir", object("Directory").withOptional(true))
  const sdk = self
    .withField("root", object("Directory"))
    .withFunction(withSources("moduleRuntime", "Container"))
    .withFunction(withSources("codegen", "GeneratedCode"))
    .withConstructor(constructor)
  return dag.module_().withObject(sdk).id()
}

/**
 * The container that answers the calls of a module. Each step is a layer, so that a changed source file costs neither
 * packages nor a client again, and a call of unchanged sources costs none of them.
 */
async function moduleRuntime(rootId, { modSource, introspectionJson }) {
  const source = dag.loadModuleSourceFromID(modSource)
  const [subpath, name] = await Promise.all([source.sourceSubpath(), source.moduleOriginalName()])
  const files = source.contextDirectory().directory(subpath)
  const root = dag.loadDirectoryFromID(rootId)
  const base = dag
    .container()
    .withRootfs(root)
    .withEnvVariable("PATH", "/usr/local/bin:/usr/bin:/bin")
    // Node has certificates of its own; those that the engine adds to each container are in this file.
    .withEnvVariable("NODE_EXTRA_CA_CERTS", "/etc/ssl/certs/ca-certificates.crt")
    .withWorkdir("/src")
  const installed = await withPackages(base, files)
  return (
    installed
      .withDirectory("sdk", root.directory("opt/dagger/client"))
      .withFile("sdk/client.gen.ts", client(base, name, dag.loadFileFromID(introspectionJson)))
      .withDirectory(".", files, { exclude: ["node_modules", "sdk"] })
      // Compiled code survives from call to call, for these sources alone: Node believes what it finds there, and a
      // module could leave code for another one.
      .withMountedCache("/var/cache/node", dag.cacheVolume(`stack-compiled-${await hashOf(files)}`))
      .withEnvVariable("NODE_COMPILE_CACHE", "/var/cache/node")
      .withExec(["node", "/opt/dagger/prepare.mjs", name])
      .withEntrypoint(["node", "--no-deprecation", "--enable-source-maps", "/src/.dagger/main.mjs"])
  )
}

/** Of everything that becomes the module's code: its own files, and the packages that its lock file names. */
const hashOf = async (files) => (await files.digest()).replace(/^\w+:/, "")

const packageFiles = new Set(["package.json", "package-lock.json", ".npmrc"])

/**
 * The module's npm packages. The files that name them are written anew: a layer made of a part of the sources is made
 * again when any of the sources changes, one made of texts only when a text does.
 */
async function withPackages(base, files) {
  const present = (await files.entries()).filter((name) => packageFiles.has(name))
  const texts = await Promise.all(present.map((file) => files.file(file).contents()))
  return (
    present
      .reduce((container, file, index) => container.withNewFile(file, texts[index]), base)
      // npm checks what it takes from its cache only where the lock file has a hash: no other lock file shares it.
      .withMountedCache("/root/.npm", dag.cacheVolume(`stack-npm-${hashOfTexts(texts)}`))
      .withExec(["npm", "ci", "--omit=dev", "--no-audit", "--no-fund"])
      .withoutMount("/root/.npm")
  )
}

const hashOfTexts = (texts) => createHash("sha256").update(JSON.stringify(texts)).digest("hex")

/** The bindings of the engine's API, those of the module's dependencies included. */
function client(base, name, schema) {
  const options = ["--lang", "typescript", "--bundle", "--output", "/out", "--module-source-path", "/out"]
  return base
    .withMountedFile("/schema.json", schema)
    .withExec(
      ["/opt/dagger/codegen", "generate-module", ...options, "--module-name", name].concat(
        "--introspection-json-path",
        "/schema.json",
      ),
      { experimentalPrivilegedNesting: true },
    )
    .file("/out/sdk/src/api/client.gen.ts")
}

if (process.argv[2] === "types") {
  await connection(async () => writeFileSync(process.argv[3], JSON.stringify(await types())))
} else {
  await serve((call) => functions[call.name](call))
}
process.exit()
