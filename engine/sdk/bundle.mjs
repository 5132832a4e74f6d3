// node bundle.mjs FOLDER: makes FOLDER/core.mjs and FOLDER/prepare.mjs of the files beside this one, with
// FOLDER/node_modules. One file instead of a thousand: a call starts seconds sooner.
import { createRequire } from "node:module"
import { join, resolve } from "node:path"

const target = resolve(process.argv[2])
const { build } = createRequire(join(target, "/"))("esbuild")

/** The compiler is not needed to answer calls, and takes a third of a second to load. */
const withoutCompiler = {
  name: "without-compiler",
  setup(setup) {
    setup.onResolve({ filter: /^typescript$/ }, () => ({ path: "typescript", namespace: "none" }))
    setup.onLoad({ filter: /.*/, namespace: "none" }, () => ({
      contents: "export default new Proxy({}, { get: () => ({}) })",
    }))
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
await build({ ...options, ...file("core.mjs"), plugins: [packageFiles, withoutCompiler] })
await build({
  ...options,
  ...file("prepare.mjs"),
  plugins: [packageFiles],
  external: ["typescript", "esbuild"],
})
