import { mkdtempSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { ImageManifest } from "../../dagger/lib/manifest/manifestData.js"
import { formatManifest } from "../../dagger/lib/manifest/manifestData.js"
import { updateWiki } from "../../dagger/lib/wiki/update.js"
import { wikiFilesOf } from "../../dagger/lib/wiki/wikiFiles.js"
import type { GitServer } from "../support/gitServer.js"
import { startGitServer } from "../support/gitServer.js"
import { digestOf, manifestOf, packagesOf, publicationOf } from "../support/manifests.js"
import type { Files } from "../support/source.js"
import { stackFiles } from "../support/source.js"
import type { Ended } from "../support/stack.js"
import { commitAll, removeFolder, run, stack, workspace, writeFiles } from "../support/stack.js"

const login = { user: "reader", token: "ghs_reads4711" }

/** An image whose Python packages are told as `numpy 1.0, pandas 2.0`. */
function image(name: string, tag: string, packages: string, unpacked: number): ImageManifest {
  const digest = digestOf(tag.endsWith("stable") ? "c" : "d")
  const pip = { kind: "listed", packages: packagesOf(packages) } as const
  return manifestOf(name, tag, { digest, size: { unpacked }, packages: { pip } })
}

const before = [
  image("base", "2026.3-stable", "numpy 1.26.4, pandas 2.2.0, toolz 0.9", 1_000_000_000),
  image("gone", "2026.3-stable", "", 5_000_000),
]
const after = [
  image("base", "2026.4-main", "numpy 2.0.0, pandas 2.1.0, polars 1.0", 1_100_000_000),
  image("fresh", "2026.4-main", "", 2_000_000),
]

let git: GitServer
let folder = ""
let wiki = ""

beforeAll(async () => {
  git = await startGitServer({ ...login, bindAll: true })
  git.create("org/stack.wiki.git", { branch: "main" })
  wiki = `http://10.87.0.1:${git.port}/org/stack.wiki.git`
  folder = await workspace(stackFiles({ base: {}, gone: {}, fresh: {} }))
  await writeFiles(folder, { ...artifactsOf("before", before), ...artifactsOf("after", after) })
  await seedWiki()
})

afterAll(async () => {
  await git.stop()
  await removeFolder(folder)
})

/** What a run leaves of these images. */
function artifactsOf(path: string, manifests: readonly ImageManifest[]): Files {
  return Object.fromEntries(
    manifests.map((manifest) => [`${path}/manifests/${manifest.name}.json`, formatManifest(manifest)]),
  )
}

/** A wiki with both sets in it. */
async function seedWiki(): Promise<void> {
  const clone = mkdtempSync(join(tmpdir(), "wiki-seed-"))
  const { files } = updateWiki(wikiFilesOf(new Map()), publicationOf("1111111", [...before, ...after]))
  await writeFiles(clone, Object.fromEntries(files))
  await commitAll(clone, "Pages", { init: true })
  const pushed = await run("git", ["push", "-q", join(git.dir, "org/stack.wiki.git"), "HEAD:main"], {
    cwd: clone,
  })
  expect(pushed.stderr).toBe("")
  await removeFolder(clone)
}

function diff(...args: readonly string[]): Promise<Ended> {
  return stack(["--progress=plain", "diff", "--source=.", ...args], {
    cwd: folder,
    env: { WIKI_TOKEN: login.token },
  })
}

const access = () => [`--wiki=${wiki}`, `--wiki-username=${login.user}`, "--wiki-token=env://WIKI_TOKEN"]

test("two tags of the wiki: packages by what became of them, sizes, new and removed images", async () => {
  const out = join(folder, "diff")
  const tags = ["--from=2026.3-stable", "--to=2026.4-main"]
  const ended = await diff(...tags, ...access(), "artifacts", "export", `--path=${out}`)
  expect(ended.status, ended.stderr.slice(-2000)).toBe(0)
  const markdown = await readFile(join(out, "report.md"), "utf8")
  for (const line of [
    "| base | 1 upgraded, 1 downgraded, 1 added, 1 removed | 1.00 GB → 1.10 GB (+100 MB) |",
    "| fresh | **new image** | 2.00 MB |",
    "| gone | **image removed** | was 5.00 MB |",
    "| numpy | upgraded | `1.26.4` | `2.0.0` |",
    "| pandas | downgraded | `2.2.0` | `2.1.0` |",
    "| polars | added |  | `1.0` |",
    "| toolz | removed | `0.9` |  |",
  ])
    expect(markdown).toContain(line)
  const report = JSON.parse(await readFile(join(out, "report.json"), "utf8")) as unknown
  expect(report).toMatchObject({
    ok: true,
    kind: "compared",
    images: [
      { kind: "compared", name: "base", diff: { unpacked: { from: 1_000_000_000, to: 1_100_000_000 } } },
      { kind: "added", name: "fresh" },
      { kind: "removed", name: "gone" },
    ],
  })
})

test("artifacts against a tag: what a pull request changes", async () => {
  const ended = await diff("--from=2026.3-stable", "--to-artifacts=after", ...access(), "summary")
  expect(ended.status, ended.stderr.slice(-2000)).toBe(0)
  expect(ended.stdout).toContain("| numpy | upgraded | `1.26.4` | `2.0.0` |")
})

test("what is wrong is told, with an exit status", async () => {
  const cases = [
    {
      args: ["--from=2020.1-stable", "--to-artifacts=after"],
      message: "no page of an image tagged 2020.1-stable",
    },
    { args: ["--from=2026.3-stable"], message: "--to: give either --to or --to-artifacts" },
    {
      args: ["--from-artifacts=before", "--to-artifacts=images"],
      message: "there are no manifests in it",
    },
  ]
  const ended = await Promise.all(cases.map(({ args }) => diff(...args, ...access())))
  for (const [index, { message }] of cases.entries()) {
    expect(ended[index]?.status).not.toBe(0)
    expect(ended[index]?.stderr).toContain(message)
    expect(JSON.stringify(ended[index])).not.toContain(login.token)
  }
})

test("bills of materials of a tag and of artifacts, in both formats", async () => {
  const sbom = (...options: readonly string[]) =>
    stack(["sbom", "--source=.", ...options, "artifacts", "export", "--path=sboms"], {
      cwd: folder,
      env: { WIKI_TOKEN: login.token },
    })
  const ofTag = await sbom("--tag=2026.3-stable", ...access())
  expect(ofTag.status).toBe(0)
  expect(ofTag.stdout + ofTag.stderr).toContain("Bills of materials (SPDX 2.3)")
  const path = join(folder, "sboms/sbom/ghcr-io-example-base-2026.3-stable.spdx.json")
  expect(await readFile(path, "utf8")).toContain("pkg:pypi/numpy@1.26.4")

  expect((await sbom("--artifacts=after", "--format=cyclonedx")).status).toBe(0)
  const cyclonedx = join(folder, "sboms/sbom/ghcr-io-example-base-2026.4-main.cdx.json")
  expect(await readFile(cyclonedx, "utf8")).toContain("pkg:pypi/polars@1.0")

  const wrong = await sbom("--artifacts=after", "--format=csv")
  expect(wrong.status).not.toBe(0)
  expect(wrong.stderr).toContain("accepted: spdx, cyclonedx")
})
