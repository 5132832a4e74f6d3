import { execFileSync, spawnSync } from "node:child_process"
import { mkdir, symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, describe, expect, test } from "vitest"
import { packageProbes, readOsRelease, readProbe } from "../../../dagger/lib/manifest/packageProbes.js"
import { packagesOf } from "../../support/manifests.js"
import { removeTemporaryFolders, temporaryFolder } from "../../support/gitRepo.js"
import { runProgram } from "../../support/gitServer.js"
import type { Ecosystem, InstalledPackage } from "../../../dagger/lib/manifest/manifestData.js"

afterAll(removeTemporaryFolders)

/** Outputs and the packages in them. */
const outputs: readonly (readonly [string, Ecosystem, string, string | readonly InstalledPackage[]])[] = [
  [
    "dpkg-query as our probe asks it: a source package is named where it has another name or version",
    "apt",
    "ii \tcurl\t7.88-1+b2\tamd64\tcurl\t7.88-1\nii \tlibc6\t2.36-9\tamd64\tglibc\t2.36-9\nii \tbash\t5.2\tall\tbash\t5.2\n",
    [
      { name: "bash", version: "5.2", architecture: "all" },
      {
        name: "curl",
        version: "7.88-1+b2",
        architecture: "amd64",
        source: { name: "curl", version: "7.88-1" },
      },
      {
        name: "libc6",
        version: "2.36-9",
        architecture: "amd64",
        source: { name: "glibc", version: "2.36-9" },
      },
    ],
  ],
  [
    "pip with licenses, in one line",
    "pip",
    '[{"name":"a","version":"1","license":"MIT"},{"name":"b","version":"2","license":"The  BSD\\n  License"},{"name":"c","version":"3","license":null}]',
    [
      { name: "a", version: "1", license: "MIT" },
      { name: "b", version: "2", license: "The BSD License" },
      { name: "c", version: "3" },
    ],
  ],
  [
    "R's probe, with licenses and repositories",
    "r",
    "package\tbase\t4.3\tPart of R 4.3\tR\npackage\tlimma\t3.5\tGPL (>=2)\tBioconductor\npackage\tmine\t1\tNA\tNA\n",
    [
      { name: "base", version: "4.3", license: "Part of R 4.3", repository: "R" },
      { name: "limma", version: "3.5", license: "GPL (>=2)", repository: "Bioconductor" },
      { name: "mine", version: "1" },
    ],
  ],
  [
    "front ends",
    "npm",
    '[{"name":"@jupyterlab/git","version":"0.50.1","license":"BSD-3-Clause"},{"name":"plain","version":"1","license":null}]',
    [
      { name: "@jupyterlab/git", version: "0.50.1", license: "BSD-3-Clause" },
      { name: "plain", version: "1" },
    ],
  ],
  [
    "dpkg-query with states: removed packages do not count",
    "apt",
    "ii \tadduser\t3.134\nrc \tgone\t1.0\nhi \theld\t2.0\nii \tlibc6\t2.36-9\nii \tlibc6\t2.36-9\n",
    "adduser 3.134, held 2.0, libc6 2.36-9",
  ],
  [
    "dpkg-query with names and versions only",
    "apt",
    "libc6:amd64\t2.36-9\nbash\t5.2\n",
    "bash 5.2, libc6 2.36-9",
  ],
  [
    "pip as JSON",
    "pip",
    '[{"name": "pip", "version": "24.0"}, {"name": "Jinja2", "version": "3.1"}]',
    "Jinja2 3.1, pip 24.0",
  ],
  [
    "pip as JSON after a warning",
    "pip",
    'WARNING: [x] old\n[{"name": "pip", "version": "24.0"}]\n',
    "pip 24.0",
  ],
  ["pip without packages", "pip", "[]", ""],
  [
    "what an interrupted upgrade left behind is no package: no name, no version, or a name that is none",
    "pip",
    '[{"name": null, "version": null}, {"name": "a", "version": null}, {"name": "~umpy", "version": "1.0"}, {"name": "numpy", "version": "2.0"}]',
    "numpy 2.0",
  ],
  [
    "pip in columns",
    "pip",
    "Package    Version   Editable project location\n---------- --------- ----\nnumpy      1.26.4\nmine       0.1       /src\n",
    "mine 0.1, numpy 1.26.4",
  ],
  ["pip freeze", "pip", "# comment\nnumpy==1.26.4\n-e git+https://x#egg=y\nz @ file:///z\n", "numpy 1.26.4"],
  [
    "R's probe, with a chatty profile",
    "r",
    "Welcome to R!\npackage\tMASS\t7.3-60\npackage\tabind\t1.4-5\n",
    "MASS 7.3-60, abind 1.4-5",
  ],
  [
    "R's printed matrix",
    "r",
    '       Package   LibPath              Version\nabind  "abind"   "/usr/lib/R/library" "1.4-5"\nbase   "base"    "/usr/lib/R/library" "4.3.1"\n',
    "abind 1.4-5, base 4.3.1",
  ],
  [
    "conda as JSON: what pip installed is in pip's list",
    "conda",
    '[{"name":"numpy","version":"1.26.4","build_string":"py311_0","channel":"conda-forge"},{"name":"x","version":"1","channel":"pypi"}]',
    [{ name: "numpy", version: "1.26.4", channel: "conda-forge", build: "py311_0" }],
  ],
  [
    "conda in columns",
    "conda",
    "# packages in environment at /opt/conda:\n#\n# Name    Version   Build  Channel\nnumpy     1.26.4    py311_0  conda-forge\nx  1  pypi_0    pypi\n",
    "numpy 1.26.4",
  ],
]

test.each(outputs)("%s", (_name, ecosystem, stdout, packages) => {
  expect(readProbe(ecosystem, { exitCode: 0, stdout })).toEqual({
    kind: "listed",
    packages: typeof packages === "string" ? packagesOf(packages) : packages,
  })
})

test.each([
  [
    'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n',
    { id: "debian", version: "12", name: "Debian GNU/Linux 12 (bookworm)" },
  ],
  ["ID='arch'\nBUILD_ID=rolling\n", { id: "arch" }],
  ["nothing of the kind", undefined],
])("os-release %j", (stdout, os) => {
  expect(readOsRelease({ exitCode: 0, stdout })).toEqual(os)
})

test.each([
  ["absent", { exitCode: 0, stdout: "@absent\n" }, { kind: "absent" }],
  [
    "failed",
    { exitCode: 1, stdout: "", stderr: "Traceback\nModuleNotFoundError: No module named 'pip'\n" },
    { kind: "failed", reason: "exit status 1: ModuleNotFoundError: No module named 'pip'" },
  ],
  [
    "unreadable",
    { exitCode: 0, stdout: "what?" },
    { kind: "failed", reason: expect.stringContaining("what?") as string },
  ],
])("a package manager that is %s", (_name, output, list) => {
  expect(readProbe("pip", output)).toEqual(list)
})

const hasPip = spawnSync("pip", ["inspect"], { stdio: "ignore" }).status === 0

describe("the probes on this machine", () => {
  test.each(packageProbes)("$ecosystem", async ({ ecosystem, command }) => {
    const { status, stdout, stderr } = await runProgram("sh", ["-c", command])
    const list = readProbe(ecosystem, { exitCode: status, stdout, stderr })
    expect(list.kind).toBe(has(ecosystem) ? "listed" : "absent")
    if (list.kind === "listed") expect(list.packages.length).toBeGreaterThan(0)
  })

  test.skipIf(!hasPip)("pip's list is that of `pip list`, with licenses", async () => {
    const { command } = packageProbes.find(({ ecosystem }) => ecosystem === "pip") ?? { command: "exit 9" }
    const run = async (script: string) => (await runProgram("sh", ["-c", script])).stdout
    const [ours, pips] = [await run(command), await run("pip list --format=json 2>/dev/null")]
    const names = (output: string) => {
      const list = readProbe("pip", { exitCode: 0, stdout: output })
      return list.kind === "listed"
        ? list.packages.map(({ name, version }) => `${name} ${version}`)
        : [list.kind]
    }
    expect(names(ours)).toEqual(names(pips))
    expect(ours).toContain('"license": "MIT"')
  })

  test("front ends are found where Jupyter looks for them, the nearest first", async () => {
    const folder = await temporaryFolder()
    const { command } = packageProbes.find(({ ecosystem }) => ecosystem === "npm") ?? { command: "exit 9" }
    for (const [path, version] of [
      ["near/labextensions/@org/one", "2.0.0"],
      ["far/labextensions/@org/one", "1.0.0"],
      ["far/labextensions/two", "1.1.0"],
    ] as const) {
      await mkdir(join(folder, path), { recursive: true })
      const name = path.split("/").slice(2).join("/")
      await writeFile(join(folder, path, "package.json"), JSON.stringify({ name, version, license: "MIT" }))
    }
    await mkdir(join(folder, "far/labextensions/broken"))
    await writeFile(join(folder, "far/labextensions/broken/package.json"), "{")
    const env = { PATH: process.env.PATH ?? "", JUPYTER_PATH: `${folder}/near:${folder}/far` }
    const { status, stdout } = await runProgram("sh", ["-c", command], env)
    const list = readProbe("npm", { exitCode: status, stdout })
    expect(list.kind === "listed" && list.packages).toEqual(
      expect.arrayContaining([
        { name: "@org/one", version: "2.0.0", license: "MIT" },
        { name: "two", version: "1.1.0", license: "MIT" },
      ]),
    )
  })

  test("an interpreter without pip: what an interrupted upgrade left behind is left out", async () => {
    const folder = await temporaryFolder()
    const python = execFileSync("python3", ["-c", "import sys; print(sys.executable)"], { encoding: "utf8" })
    await symlink(python.trim(), join(folder, "python3"))
    await distribution(folder, "numpy-2.0.dist-info", "Name: numpy\nVersion: 2.0\n")
    await distribution(folder, "~umpy-1.0.dist-info", "Name: numpy\nVersion: 1.0\n")
    await distribution(folder, "~andas-1.0.dist-info", "Name: pandas\nVersion: 1.0\n")
    await distribution(folder, "frontend-1.0.dist-info")
    const { command } = packageProbes.find(({ ecosystem }) => ecosystem === "pip") ?? { command: "exit 9" }
    const { status, stdout, stderr } = await runProgram("/bin/sh", ["-c", command], {
      PATH: folder,
      PYTHONPATH: folder,
    })
    const list = readProbe("pip", { exitCode: status, stdout, stderr })
    const ours = ["numpy", "pandas", "frontend", "~umpy"]
    expect(list.kind === "listed" && list.packages.filter(({ name }) => ours.includes(name))).toEqual(
      packagesOf("numpy 2.0"),
    )
  })

  test.each(packageProbes)(
    "$ecosystem is absent where there are no tools",
    async ({ ecosystem, command }) => {
      const { status, stdout } = await runProgram("/bin/sh", ["-c", command], { PATH: "/nonexistent" })
      expect(readProbe(ecosystem, { exitCode: status, stdout })).toEqual({ kind: "absent" })
    },
  )
})

/** A folder of an installed distribution, with or without its METADATA. */
async function distribution(site: string, name: string, metadata?: string): Promise<void> {
  await mkdir(join(site, name))
  if (metadata !== undefined) await writeFile(join(site, name, "METADATA"), metadata)
}

function has(ecosystem: Ecosystem): boolean {
  const tools = {
    apt: "command -v dpkg-query",
    pip: "command -v pip || command -v python3",
    r: "command -v Rscript",
    conda: "command -v conda",
    npm: "ls /usr/share/jupyter/labextensions || ls /usr/local/share/jupyter/labextensions",
  }
  try {
    execFileSync("sh", ["-c", tools[ecosystem]], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
}
