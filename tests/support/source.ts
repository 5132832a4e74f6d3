import { createHash } from "node:crypto"
import { treeOf } from "../../dagger/lib/source/sourceTree.js"
import type { SourceFile, SourceTree } from "../../dagger/lib/source/sourceTree.js"

/** Text of each file by path; `{ symlink: target }` makes a symlink. */
export type Files = Readonly<Record<string, string | { readonly symlink: string }>>

/** A source tree in memory: `sourceOf({ "spec.yml": "...", "images/base/Dockerfile": "FROM scratch" })`. */
export function sourceOf(
  files: Files,
  { modes = {} }: { readonly modes?: Readonly<Record<string, number>> } = {},
): SourceTree {
  const sources = Object.entries(files).map(([path, content]): SourceFile => {
    const link = typeof content !== "string"
    const bytes = Buffer.from(link ? content.symlink : content)
    return {
      path,
      kind: link ? "symlink" : "file",
      mode: modes[path] ?? (link ? 0o777 : 0o644),
      size: bytes.length,
      sha256: createHash("sha256").update(bytes).digest("hex"),
      ...(link && { target: content.symlink }),
    }
  })
  return treeOf(sources, (path) => {
    const content = files[path]
    return typeof content === "string" ? content : ""
  })
}

/** One image of `stackOf`: the keys of spec.yml, and files of its folder that are added or replaced. */
export interface StackImage {
  readonly image_name?: string
  readonly tag_prefix?: string
  readonly publish?: boolean
  readonly further_tags?: readonly (string | { readonly tag: string; readonly branches: readonly string[] })[]
  readonly depend_on?: string
  readonly copies_from?: readonly string[]
  readonly build_args?: Readonly<Record<string, string | number | boolean>>
  readonly integration_tests?: boolean
  readonly server_port?: number
  readonly info_cmds?: readonly string[]
  readonly size_budget?: string | number
  readonly max_age?: string
  readonly platforms?: readonly string[]
  /** By path below the image's folder: `{ "test/test_ok.py": "def test_ok(): pass" }`. */
  readonly files?: Files
}

export interface StackOptions {
  /** Further top-level keys of spec.yml, or other values for those that are filled in. */
  readonly spec?: Readonly<Record<string, unknown>>
  /** Further files, by path from the root. */
  readonly files?: Files
  readonly modes?: Readonly<Record<string, number>>
}

/**
 * A small valid stack: every image gets a Dockerfile (a child's is `FROM` its parent by registry name) and a
 * repository below `ghcr.io/example`.
 *
 *     stackOf({ base: {}, left: { depend_on: "base" }, right: { depend_on: "base" } })
 */
export function stackOf(
  images: Readonly<Record<string, StackImage>>,
  options: StackOptions = {},
): SourceTree {
  return sourceOf(stackFiles(images, options), { modes: options.modes ?? {} })
}

/** The files of `stackOf`, for tests that write them to a folder. The spec is JSON, which is YAML too. */
export function stackFiles(images: Readonly<Record<string, StackImage>>, options: StackOptions = {}): Files {
  const written: Record<string, unknown> = {}
  const files: Record<string, Files[string]> = {}
  for (const [name, { files: own = {}, ...keys }] of Object.entries(images)) {
    written[name] = { image_name: `ghcr.io/example/${name}`, ...keys }
    files[`images/${name}/Dockerfile`] = dockerfileOf(keys.depend_on)
    for (const [path, content] of Object.entries(own)) files[`images/${name}/${path}`] = content
  }
  const spec = {
    images: written,
    tag: { prefix: "2026.4" },
    all_info_cmds: { OS: { description: "Operating system", command: "cat /etc/os-release" } },
    ...options.spec,
  }
  return { "spec.yml": JSON.stringify(spec, null, 2), ...files, ...options.files }
}

function dockerfileOf(parent: string | undefined): string {
  if (parent === undefined) return "FROM debian:13-slim\nRUN echo base > /layer\n"
  return `ARG BASE_TAG=latest\nFROM ghcr.io/example/${parent}:\${BASE_TAG}\nRUN echo child >> /layer\n`
}
