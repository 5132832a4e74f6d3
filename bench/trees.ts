import { randomBytes } from "node:crypto"
import type { ByImage } from "../tests/support/fixtureStacks.js"
import type { Files, StackImage } from "../tests/support/source.js"
import { imageFiles, serverLines, serverProgram } from "../tests/support/testImages.js"

/** A word that no cache knows. */
export function freshWord(): string {
  return randomBytes(6).toString("hex")
}

/** Seconds of waiting (downloads, say) and of one busy core that a step costs. */
interface Cost {
  readonly wait: number
  readonly compute: number
}

interface Shape {
  readonly parent?: string
  readonly build: readonly Cost[]
  readonly tests: Cost
}

/** The real tree in little: a large root, a small child and a large one, each with tests. */
const shapes: ByImage<Shape> = {
  root: {
    build: [
      { wait: 6, compute: 2 },
      { wait: 2, compute: 4 },
    ],
    tests: { wait: 3, compute: 1 },
  },
  small: { parent: "root", build: [{ wait: 3, compute: 2 }], tests: { wait: 2, compute: 1 } },
  large: {
    parent: "root",
    build: [
      { wait: 6, compute: 2 },
      { wait: 2, compute: 2 },
    ],
    tests: { wait: 4, compute: 1 },
  },
}

/** Names of the tree's images that no other one stands on. */
export const shapedLeaves = ["small", "large"] as const

/** Squares that a core of 2020s sums up in a second. */
const squaresPerSecond = 14_000_000

/**
 * The tree of `shapes`: nothing of it comes from a cache but the lines that all fixtures start with.
 * @param word fresh for every build
 */
export function shapedTree(word: string, { tests }: { readonly tests: boolean }): ByImage<StackImage> {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const lines = [`RUN echo ${word}`, ...shape.build.map((cost) => `RUN ${command(cost)}`)]
      const files = tests ? { [`test/test_${name}.py`]: testOf(shape.tests) } : {}
      return [name, imageOn(shape.parent, lines, files)]
    }),
  )
}

function command({ wait, compute }: Cost): string {
  return `sleep ${wait} && python3 -c "sum(n * n for n in range(${compute * squaresPerSecond}))"`
}

function testOf({ wait, compute }: Cost): string {
  const busy = `sum(n * n for n in range(${compute * squaresPerSecond}))`
  return `import time\n\ndef test_it():\n    time.sleep(${wait})\n    assert ${busy} > 0\n`
}

function imageOn(parent: string | undefined, lines: readonly string[], files: Files): StackImage {
  if (parent === undefined) return { files: imageFiles(lines, files) }
  const dockerfile = `FROM ghcr.io/example/${parent}:latest\n${lines.join("\n")}\n`
  return { depend_on: parent, files: { Dockerfile: dockerfile, ...files } }
}

/** A root with a server, and two children with a test each: what a run costs in which nothing is to be done. */
export function idleTree(): ByImage<StackImage> {
  const test = "def test_it(): pass\n"
  const files = {
    "server.py": serverProgram,
    "test/test_root.py": test,
    "integration_tests/test_server.py": test,
  }
  const child = (name: string) =>
    imageOn("root", [`RUN echo ${name} > /tmp/${name}`], { [`test/test_${name}.py`]: test })
  return {
    root: { integration_tests: true, files: imageFiles(serverLines, files) },
    left: child("left"),
    right: child("right"),
  }
}

/**
 * A tree of many small images, four on each one, with a test each.
 * @param word fresh for every build
 */
export function wideTree(count: number, word: string): ByImage<StackImage> {
  const test = "def test_it(): pass\n"
  const images = Array.from({ length: count }, (_, index) => {
    const name = `image-${index}`
    const parent = index === 0 ? undefined : `image-${Math.floor((index - 1) / 4)}`
    const files = { [`test/test_${index}.py`]: test }
    return [name, imageOn(parent, [`RUN echo ${word} ${index}`], files)] as const
  })
  return Object.fromEntries(images)
}
