import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { expect, it } from "vitest"
import { lockedVersions } from "../../../dagger/lib/locks/lockFile.js"
import { checkout } from "../../support/stack.js"

// The lock files of this repository's images.

async function locked(path: string): Promise<Record<string, string>> {
  return Object.fromEntries(lockedVersions(await readFile(join(checkout, "images", path), "utf8")))
}

/** What both platforms have to share; TensorFlow without CUDA is another package on each. */
function withoutTensorflow({ tensorflow, "tensorflow-cpu": cpu, ...others }: Record<string, string>) {
  return { ...others, tensorflow: tensorflow ?? cpu }
}

it("pins the same versions of the flavour cpu for both platforms", async () => {
  const amd64 = await locked("scipy-ml-notebook/python/cpu-amd64.txt")
  expect(amd64).toHaveProperty("torch")
  const arm64 = await locked("scipy-ml-notebook/python/cpu-arm64.txt")
  expect(withoutTensorflow(arm64)).toEqual(withoutTensorflow(amd64))
})

it("pins the same versions of what both flavours have", async () => {
  const cpu = await locked("scipy-ml-notebook/python/cpu-amd64.txt")
  const gpu = await locked("scipy-ml-notebook/python/gpu-amd64.txt")
  expect(withoutTensorflow(gpu)).toMatchObject(withoutTensorflow(cpu))
})

it.each(["rstudio-notebook/python/requirements.txt", "scipy-ml-notebook/python/cpu-arm64.txt"])(
  "%s keeps the versions of the parent",
  async (path) => {
    const parent = await locked("datascience-notebook/python/requirements.txt")
    const child = await locked(path)
    const shared = Object.entries(child).filter(([name]) => name in parent)
    expect(shared.length).toBeGreaterThan(10)
    expect(parent).toMatchObject(Object.fromEntries(shared))
  },
)
