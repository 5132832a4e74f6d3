import { readdirSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { expect, test } from "vitest"

const module = resolve(import.meta.dirname, "../../../dagger")
const files = ["src", "lib"].flatMap((folder) =>
  readdirSync(join(module, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => join(folder, path)),
)

interface Declaration {
  readonly name: string
  readonly file: string
  readonly isExported: boolean
}

const declarations: readonly Declaration[] = files.flatMap((file) =>
  [
    ...readFileSync(join(module, file), "utf8").matchAll(
      /^(export )?(?:async )?(?:function|const|class|interface|type) (\w+)/gm,
    ),
  ].map(([, exported, name = ""]) => ({ name, file, isExported: exported !== undefined })),
)

const byName = new Map<string, Declaration[]>()
for (const each of declarations) byName.set(each.name, [...(byName.get(each.name) ?? []), each])

/** Names with the files of those declarations of them that are one too many. */
function doubled(isDouble: (one: Declaration, other: Declaration) => boolean): readonly string[] {
  return declarations.flatMap((one) => {
    const same = byName.get(one.name) ?? []
    const others = same.filter((other) => other.file !== one.file && isDouble(one, other))
    return others.map((other) => `${one.name}: ${one.file} and ${other.file}`)
  })
}

const folderOf = (file: string) => file.split("/").slice(0, 2).join("/")

test("what is exported has a name of its own", () => {
  expect(doubled((one, other) => one.isExported && other.isExported)).toEqual([])
})

test("what is exported is not also the name of something else in its folder", () => {
  expect(doubled((one, other) => one.isExported && folderOf(one.file) === folderOf(other.file))).toEqual([])
})
