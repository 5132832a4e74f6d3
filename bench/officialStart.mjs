// node --import tsx officialStart.mjs LIBRARY [FILE]: what the official TypeScript SDK's process does in the module's folder
// before it calls a function: it loads its client, imports all of src, and scans it with the TypeScript compiler. Then what
// the function does first: it loads FILE. Prints the milliseconds of each as JSON. LIBRARY is the folder of the npm package
// @dagger.io/dagger.
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"

const library = (path) => pathToFileURL(join(process.argv[2], "dist/src", path)).href
const times = [performance.now()]
await import(library("index.js"))
const { scan } = await import(library("module/introspector/index.js"))
times.push(performance.now())
const source = join(process.cwd(), "src")
const files = readdirSync(source, { recursive: true })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => join(source, name))
const modules = await Promise.all(files.map((file) => import(pathToFileURL(file).href)))
times.push(performance.now())
// The scanner imports the files again by itself, which costs nothing; what declares the client is data here.
await scan(
  [...files, join(process.cwd(), "client/client.gen.ts")],
  process.env.MODULE_NAME,
  modules.length === 0,
)
times.push(performance.now())
if (process.argv[3] !== undefined) await import(pathToFileURL(join(process.cwd(), process.argv[3])).href)
times.push(performance.now())
const [start = 0, client = 0, loaded = 0, scanned = 0, called = 0] = times
const { userCPUTime, systemCPUTime } = process.resourceUsage()
console.log(
  JSON.stringify({
    node: start,
    client: client - start,
    load: loaded - client,
    scan: scanned - loaded,
    call: called - scanned,
    cpu: (userCPUTime + systemCPUTime) / 1000,
  }),
)
process.exit()
