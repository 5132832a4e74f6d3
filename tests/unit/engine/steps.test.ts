import { existsSync } from "node:fs"
import { mkdir, readFile, readdir, utimes, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { engineShell, killedAtFirstLine, stateFolder } from "../../support/engineShell.js"

/** A step that copies its input and counts how often it ran. */
const copyStep = `
make_copy() { echo run >>"$home/runs"; cp "$home/input" "$1"; }
step copy "Copying" "$home/output" "$home/input"`

async function runs(home: string): Promise<number> {
  const text = await readFile(join(home, "runs"), "utf8").catch(() => "")
  return text.split("\n").length - 1
}

async function folderWithInput(text: string): Promise<string> {
  const home = await stateFolder()
  await writeFile(join(home, "input"), text)
  return home
}

describe("step", () => {
  it("runs once while its inputs stay the same, and says how long it took", async () => {
    const home = await folderWithInput("one")
    const first = await engineShell(home, copyStep)
    const second = await engineShell(home, copyStep)
    expect(first.stderr).toMatch(/^\d\d:\d\d:\d\d {2}Copying\n\d\d:\d\d:\d\d {2}Copying: done in \d+ s\n$/)
    expect(second.stderr).toBe("")
    expect(await runs(home)).toBe(1)
  })

  it.each([
    ["an input changes", (home: string) => writeFile(join(home, "input"), "two"), copyStep],
    ["its recipe changes", () => Promise.resolve(), copyStep.replace("cp ", "cp -p ")],
    ["its output is gone", (home: string) => engineShell(home, 'rm "$home/output"'), copyStep],
  ])("runs again when %s", async (_, change, script) => {
    const home = await folderWithInput("one")
    await engineShell(home, copyStep)
    await change(home)
    await engineShell(home, script)
    expect(await runs(home)).toBe(2)
    expect(await readFile(join(home, "output"), "utf8")).toBe(await readFile(join(home, "input"), "utf8"))
  })

  it("runs again when a step it depends on was made from something else", async () => {
    const home = await folderWithInput("one")
    const script = `${copyStep}
      make_next() { echo next >"$1"; echo ran; }
      step next "Next" "$home/next" @copy`
    expect((await engineShell(home, script)).stdout).toBe("ran\n")
    expect((await engineShell(home, script)).stdout).toBe("")
    await writeFile(join(home, "input"), "two")
    expect((await engineShell(home, script)).stdout).toBe("ran\n")
  })

  it("leaves nothing that counts as done when it is killed, and resumes", async () => {
    const home = await folderWithInput("whole")
    const halfway = copyStep.replace('cp "$home/input" "$1";', 'echo half >"$1"; echo started; sleep 60;')
    await killedAtFirstLine(home, halfway)
    expect(existsSync(join(home, "output.part"))).toBe(true)
    expect(existsSync(join(home, "output"))).toBe(false)

    await engineShell(home, copyStep)
    expect(await readFile(join(home, "output"), "utf8")).toBe("whole")
    expect((await readdir(home)).filter((name) => name.endsWith(".part"))).toEqual([])
  })

  it("fails with its recipe, and runs again next time", async () => {
    const home = await folderWithInput("one")
    const failed = await engineShell(home, copyStep.replace("cp ", "false; cp "))
    expect(failed.status).not.toBe(0)
    expect(existsSync(join(home, "output"))).toBe(false)
    expect((await engineShell(home, copyStep)).status).toBe(0)
  })
})

describe("archive", () => {
  it("depends on names, modes and contents alone", async () => {
    const home = await stateFolder()
    const digest = async (names: readonly string[], seconds: number) => {
      const folder = join(home, `tree-${String(seconds)}`)
      await mkdir(folder)
      for (const name of names) await writeFile(join(folder, name), name)
      for (const name of names) await utimes(join(folder, name), seconds, seconds)
      const script = `archive '${folder}' "$home/tar" --owner=0 --group=0; sha256sum <"$home/tar"`
      return (await engineShell(home, script)).stdout
    }
    const first = await digest(["a", "b", "c"], 1_000)
    expect(await digest(["c", "a", "b"], 2_000_000_000)).toBe(first)
    expect(await digest(["a", "b", "d"], 3_000)).not.toBe(first)
  })
})
