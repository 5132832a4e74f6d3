import { spawn } from "node:child_process"
import { once } from "node:events"
import { expect, it } from "vitest"
import { watchModuleMemory } from "../../../bench/moduleMemory.js"

it("sees the most memory that a module's process had, though it has given it back", async () => {
  const megabytes = 300
  const program = `
    let filled = Buffer.alloc(${megabytes} * 1024 * 1024, 1)
    filled = undefined
    console.log("filled")
    setTimeout(() => {}, 2000)`
  const watch = watchModuleMemory()
  const child = spawn(process.execPath, ["-e", program, "/src/.dagger/main.mjs"], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  await once(child.stdout, "data")
  await once(child, "exit")
  expect(watch.stop()).toBeGreaterThan(megabytes * 1024 * 1024)
})
