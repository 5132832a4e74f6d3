import { execFileSync, spawn } from "node:child_process"
import type { ChildProcessWithoutNullStreams } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { createInterface } from "node:readline"
import { checkout } from "./stack.js"

/** What the engine's own code is asked: to expand a word, to read a Dockerfile, whether it accepts its
 * instructions, which paths patterns match. */
export interface ReaderQuestion {
  readonly Kind: "expand" | "parse" | "ignore" | "match" | "instructions"
  readonly Text: string
  /** `NAME=value` */
  readonly Env?: readonly string[]
  readonly Paths?: readonly string[]
}

/** One instruction as BuildKit's parser has it. */
export interface ReaderLine {
  readonly Keyword: string
  readonly Text: string
  readonly Flags: readonly string[] | null
  readonly Args: readonly string[]
  readonly JSON: boolean
  /** First and last line in the file, heredocs included. */
  readonly Start: number
  readonly End: number
  readonly Heredocs: readonly { readonly Name: string; readonly Content: string; readonly Chomp: boolean }[]
}

/** Its answer; `Error` is empty where it accepted the text. */
export interface ReaderAnswer {
  readonly Error: string
  readonly Text: string
  readonly Lines: readonly ReaderLine[] | null
  readonly Matches: readonly boolean[] | null
}

const buildkit = "internal/buildkit"
const packages = [
  "frontend/dockerfile/parser",
  "frontend/dockerfile/shell",
  "frontend/dockerfile/command",
  "frontend/dockerfile/instructions",
  "frontend/dockerfile/linter",
  "util/suggest",
  "util/stack",
]

/**
 * The code with which the engine reads Dockerfiles, as a program: built from the sources of the very version that the
 * engine is built from, as far as reading needs them. Go gets them from its cache or its proxy.
 */
export class BuilderReader {
  private readonly waiting: ((answer: ReaderAnswer) => void)[] = []

  private constructor(
    private readonly folder: string,
    private readonly child: ChildProcessWithoutNullStreams,
  ) {
    createInterface(child.stdout).on("line", (line) =>
      this.waiting.shift()?.(JSON.parse(line) as ReaderAnswer),
    )
  }

  static build(): BuilderReader {
    const folder = mkdtempSync(join(tmpdir(), "builder-reader-"))
    const engine = { cwd: join(checkout, "engine/go"), encoding: "utf8" } as const
    execFileSync("go", ["mod", "download", "github.com/dagger/dagger"], engine)
    const source = execFileSync(
      "go",
      ["list", "-m", "-f", "{{.Dir}}", "github.com/dagger/dagger"],
      engine,
    ).trim()
    for (const each of packages) {
      const target = join(folder, buildkit, each)
      mkdirSync(dirname(target), { recursive: true })
      cpSync(join(source, buildkit, each), target, { recursive: true })
    }
    // Read and written anew: what lies in Go's cache is read-only.
    for (const name of ["go.mod", "go.sum"])
      writeFileSync(join(folder, name), readFileSync(join(source, name)))
    mkdirSync(join(folder, "cmd/reader"), { recursive: true })
    cpSync(join(import.meta.dirname, "builderReader/main.go"), join(folder, "cmd/reader/main.go"))
    execFileSync("go", ["build", "-mod=mod", "-o", "reader", "./cmd/reader"], { cwd: folder, stdio: "pipe" })
    return new BuilderReader(folder, spawn(join(folder, "reader")))
  }

  ask(question: ReaderQuestion): Promise<ReaderAnswer> {
    return new Promise((resolve) => {
      this.waiting.push(resolve)
      this.child.stdin.write(`${JSON.stringify(question)}\n`)
    })
  }

  end(): void {
    this.child.kill()
    execFileSync("chmod", ["-R", "u+w", this.folder])
    rmSync(this.folder, { recursive: true, force: true })
  }
}
