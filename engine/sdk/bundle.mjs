// node bundle.mjs FOLDER: makes FOLDER/core.mjs and FOLDER/prepare.mjs of the files beside this one, with
// FOLDER/node_modules. One file instead of a thousand: a call starts seconds sooner.
import { createRequire } from "node:module"
import { join, resolve } from "node:path"

const target = resolve(process.argv[2])
const { build } = createRequire(join(target, "/"))("esbuild")

/**
 * What a process that answers one call never does, and what would take half of its start to load: compile, download a
 * CLI, and send telemetry in other ways than the engine's, which is HTTP with protobuf.
 */
const unused = new RegExp(
  `^(?:${[
    "typescript",
    "adm-zip|execa|tar",
    "@grpc/.+|@opentelemetry/(?:exporter-\\w+-otlp-grpc|otlp-grpc-exporter-base)",
    "@opentelemetry/(?:configuration|exporter-prometheus|exporter-zipkin)",
  ].join("|")})$`,
)

/** Stands for a package: everything in it can be named and extended, and nothing can be made of it. */
const nothing = `
class Unused { constructor() { throw new Error("engine/sdk/bundle.mjs leaves this package out") } }
module.exports = new Proxy(Unused, { get: (target, name) => typeof name === "symbol" || name in target ? target[name] : module.exports })
`

const withoutUnused = {
  name: "without-unused",
  setup(setup) {
    setup.onResolve({ filter: unused }, ({ path }) => ({ path, namespace: "unused" }))
    setup.onLoad({ filter: /.*/, namespace: "unused" }, () => ({ contents: nothing }))
  },
}

/** The package's own files, which its `exports` hide. */
const packageFiles = {
  name: "package-files",
  setup(setup) {
    setup.onResolve({ filter: /^@dagger\.io\/dagger\/dist\// }, ({ path }) => ({
      path: join(target, "node_modules", path),
    }))
  },
}

const options = {
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node22",
  keepNames: true,
  nodePaths: [join(target, "node_modules")],
  banner: {
    js: `import { createRequire as $createRequire } from "node:module"; const require = $createRequire(import.meta.url);`,
  },
  logLevel: "error",
}
const file = (name) => ({ entryPoints: [join(import.meta.dirname, name)], outfile: join(target, name) })
await build({ ...options, ...file("core.mjs"), plugins: [packageFiles, withoutUnused] })
await build({
  ...options,
  ...file("prepare.mjs"),
  plugins: [packageFiles],
  external: ["typescript", "esbuild"],
})
