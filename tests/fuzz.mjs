// npm run fuzz [MINUTES [FILE...]]: every property of the tests, with new values for as long as asked for.
import { spawnSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const [minutes = "10", ...chosen] = process.argv.slice(2)

const withProperties = readdirSync(join(root, "tests"), { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".test.ts"))
  .map((path) => join("tests", path))
  .filter((path) => readFileSync(join(root, path), "utf8").includes("fc.assert("))
const files = chosen.length > 0 ? chosen : withProperties
const texts = files.map((path) => readFileSync(join(root, path), "utf8"))
const properties = texts.join("").split("fc.assert(").length - 1
const seconds = Math.max(1, Math.floor((Number(minutes) * 60) / Math.max(1, properties)))

console.log(`${properties} properties in ${files.length} files, ${seconds} s each`)
const { status } = spawnSync(
  "nice",
  ["npx", "vitest", "run", "--no-file-parallelism", "--reporter=verbose", ...files],
  { cwd: root, stdio: "inherit", env: { ...process.env, FUZZ_SECONDS: String(seconds) } },
)
process.exit(status ?? 1)
