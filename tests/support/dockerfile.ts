import { linkStack } from "../../dagger/lib/dockerfile/link.js"
import type { LinkedStack, LinkedText, LinkRequest } from "../../dagger/lib/dockerfile/link.js"
import { InputError, formatProblem } from "../../dagger/lib/problems.js"
import { loadSpec } from "../../dagger/lib/spec/loadSpec.js"
import { stackOf } from "./source.js"
import type { StackImage } from "./source.js"

/** An image of a test: its Dockerfile's lines, or those with keys of spec.yml and further files. */
export type DockerfileImage = readonly string[] | (StackImage & { readonly dockerfile: readonly string[] })

export type LinkOptions = Partial<Omit<LinkRequest, "spec" | "tree">>

/** The text of a stack, with what is known of its images. */
export type LinkedWhole = LinkedText & Pick<LinkedStack, "images">

/** Links images given by their Dockerfiles; their repositories are `ghcr.io/example/<name>`. */
export function link(
  images: Readonly<Record<string, DockerfileImage>>,
  options: LinkOptions = {},
): LinkedWhole {
  const tree = stackOf(
    Object.fromEntries(Object.entries(images).map(([name, image]) => [name, stackImage(image)])),
  )
  const spec = loadSpec(tree)
  const { whole, images: linked } = linkStack({ spec, tree, images: [...spec.images.keys()], ...options })
  return { ...whole, images: linked }
}

/** The problems that linking ends with, as `Dockerfile:line:column: message (hint)`. */
export function linkProblems(
  images: Readonly<Record<string, DockerfileImage>>,
  options: LinkOptions = {},
): readonly string[] {
  try {
    link(images, options)
  } catch (error) {
    if (error instanceof InputError) return error.problems.map(formatProblem)
    throw error
  }
  return []
}

/** An image's part of the linked text, line by line, as it stands in this run. */
export function blockOf(linked: LinkedText, image: string): readonly string[] {
  const lines = linked.dockerfile.split("\n")
  const start = lines.indexOf(`# ${image}: images/${image}/Dockerfile`)
  const next = lines.findIndex(
    (line, index) => index > start && /^# \S+: images\/\S+\/Dockerfile$/.test(line),
  )
  const block = lines.slice(start + 1, next === -1 ? undefined : next)
  while (block.at(-1) === "") block.pop()
  return block
}

/** The linked text of a stack of one image, named `a`. */
export function linkOne(
  dockerfile: readonly string[],
  image: StackImage = {},
  options: LinkOptions = {},
): readonly string[] {
  return blockOf(link({ a: { ...image, dockerfile } }, options), "a")
}

function stackImage(image: DockerfileImage): StackImage {
  if (!("dockerfile" in image)) return { files: { Dockerfile: textOf(image) } }
  const { dockerfile, files, ...keys } = image
  return { ...keys, files: { ...files, Dockerfile: textOf(dockerfile) } }
}

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("")
}
