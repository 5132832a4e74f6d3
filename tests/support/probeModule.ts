import type { Files } from "./source.js"

const index = `/**
 * A module that shows what the SDK does.
 */
import { argument, dag, Directory, func, object } from "@dagger.io/dagger"
import { getTracer } from "@dagger.io/dagger/telemetry"
import { stringify } from "yaml"
import { Child } from "./parts/child.js"
import { fallback } from "./parts/fallback.js"

export enum Color {
  Red = "red",
  Blue = "blue",
}

export type Point = { x: number; y: number }

@object()
export class Probe {
  @func()
  prefix: string

  constructor(prefix = "p") {
    this.prefix = prefix
  }

  /**
   * Everything an argument can be.
   * @param text What to say.
   */
  @func({ cache: "never" })
  echo(
    text: string,
    times = 2,
    loud = false,
    word: string = fallback,
    items: string[] = ["a", "b"],
    color: Color = Color.Blue,
    optional?: string,
    nullable: string | null = null,
    ...rest: string[]
  ): string {
    return JSON.stringify({ prefix: this.prefix, text, times, loud, word, items, color, optional, nullable, rest })
  }

  @func()
  children(): Child[] {
    return ["one", "two"].map((name) => new Child(name, "secret of " + name))
  }

  @func()
  favourite(): Color {
    return Color.Red
  }

  @func()
  point(): Point {
    return { x: 1, y: 2 }
  }

  @func()
  async names(@argument({ defaultPath: "/data", ignore: ["*.log"] }) data: Directory): Promise<string[]> {
    return getTracer().startActiveSpan("names", () => data.entries())
  }

  @func()
  yaml(): string {
    return stringify({ a: [1, 2] })
  }

  @func()
  fails(): string {
    throw new Error("broken on purpose")
  }

  @func()
  place(): string {
    return new Error("here").stack ?? ""
  }

  @func()
  async execFails(): Promise<string> {
    return dag.container().from("debian:bookworm-slim").withExec(["sh", "-c", "echo out; echo err >&2; exit 3"]).stdout()
  }

  @func()
  whole(): number {
    return 1.5
  }

  /** Sleeps in a container. */
  @func({ cache: "never" })
  async nap(seconds: number): Promise<string> {
    const bed = dag.container().from("debian:bookworm-slim").withEnvVariable("NOW", String(Date.now()))
    return bed.withExec(["sleep", String(seconds)]).stdout()
  }

  /** The names in a folder of the caller. */
  @func({ cache: "never" })
  async list(folder: Directory): Promise<string[]> {
    return folder.entries()
  }

  /** The time at which a layer was made: the same as long as the engine keeps it. */
  @func({ cache: "never" })
  async made(key: string): Promise<string> {
    return dag.container().from("debian:bookworm-slim").withEnvVariable("KEY", key).withExec(["date", "+%s.%N"]).stdout()
  }
}
`

const child = `import { func, object } from "@dagger.io/dagger"

/** A part with state that is not exposed. */
@object()
export class Child {
  /** Its name. */
  @func()
  name: string
  secret: string

  constructor(name: string, secret: string) {
    this.name = name
    this.secret = secret
  }

  /** Says its secret. */
  @func()
  whisper(): string {
    return \`\${this.name}: \${this.secret} (\${this.constructor.name})\`
  }
}
`

/** A module in TypeScript with one of everything that a function can take, give and do. */
export const probeModule: Files = {
  "dagger.json": JSON.stringify({ name: "probe", engineVersion: "v0.19.10", sdk: { source: "typescript" } }),
  "package.json": JSON.stringify({ name: "probe", type: "module", dependencies: { yaml: "2.9.0" } }),
  "package-lock.json": JSON.stringify({
    name: "probe",
    lockfileVersion: 3,
    packages: {
      "": { name: "probe", dependencies: { yaml: "2.9.0" } },
      "node_modules/yaml": { version: "2.9.0", license: "ISC" },
    },
  }),
  "data/a.txt": "a",
  "data/b.log": "b",
  "src/index.ts": index,
  "src/parts/child.ts": child,
  "src/parts/fallback.ts": 'export const fallback = "fallback"\n',
}
