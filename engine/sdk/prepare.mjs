// node prepare.mjs NAME: turns the sources of a module, in the working directory, into ./.dagger/main.mjs, which
// answers one function call. Runs once for a version of the sources; the engine keeps the result as a layer.
import { readdirSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"
import { scan } from "@dagger.io/dagger/dist/src/module/introspector/index.js"
import { build } from "esbuild"
import { freeze } from "./scan.mjs"

const root = process.cwd()
const core = "/opt/dagger/core.mjs"

const sources = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((file) => /\.m?ts$/.test(file) && !file.endsWith(".d.ts"))
  .map((file) => resolve("src", file))
  .sort()

const module = await scan([resolve("sdk/client.gen.ts"), ...sources], process.argv[2], false)

/** The files that declare what the module exposes: the others are loaded when one of these imports them. */
const exposed = Object.values({ ...module.objects, ...module.enums }).map(
  (type) => type.node.getSourceFile().fileName,
)
const loaded = sources.filter((file) => exposed.some((other) => resolve(other) === file))

const main = `
import { answer } from ${JSON.stringify(core)}
import scan from "./scan.json"
await answer(() => Promise.all([${loaded.map((file) => `import(${JSON.stringify(file)})`).join(", ")}]), scan)
process.exit()
`
writeFileSync("sdk/scan.json", JSON.stringify(freeze(module)))
const { warnings } = await build({
  absWorkingDir: root,
  stdin: { contents: main, resolveDir: resolve("sdk"), sourcefile: "main.ts" },
  outdir: ".dagger",
  entryNames: "main",
  outExtension: { ".js": ".mjs" },
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node22",
  external: [core, "*.node"],
  alias: {
    "@dagger.io/dagger/telemetry": resolve("sdk/core.js"),
    "@dagger.io/dagger": resolve("sdk/index.ts"),
  },
  // Decorators find classes by their names.
  keepNames: true,
  sourcemap: true,
  sourcesContent: false,
  tsconfigRaw: { compilerOptions: { experimentalDecorators: true, target: "ES2022" } },
  // Packages written for CommonJS use names that a file of ES modules has not.
  define: { __dirname: "$dirname", __filename: "$filename" },
  banner: {
    js: `import { createRequire as $createRequire } from "node:module"; const require = $createRequire(import.meta.url), $dirname = import.meta.dirname, $filename = import.meta.filename;`,
  },
  logLevel: "error",
})
for (const warning of warnings) console.error(warning.text)
