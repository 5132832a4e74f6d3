import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { starterWorkflows } from "../../dagger/lib/starter/workflows.js"

// writeStarter.ts FOLDER: the workflows that new-stack writes, for their linters.
const [, , folder = "."] = process.argv
for (const [path, text] of starterWorkflows(`owner/tool@${"0".repeat(40)}`, "main")) {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}
