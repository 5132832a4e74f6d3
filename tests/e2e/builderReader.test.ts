import type { Problem } from "../../dagger/lib/problems.js"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import fc from "../support/fastCheck.js"
import { parseDockerfile } from "../../dagger/lib/dockerfile/dockerfile.js"
import { isIgnored, parseIgnoreFile } from "../../dagger/lib/dockerfile/ignoreFile.js"
import { assignmentsOf, parseInstruction, wordsOf } from "../../dagger/lib/dockerfile/instruction.js"
import { readDockerfileLines } from "../../dagger/lib/dockerfile/lines.js"
import { readMount } from "../../dagger/lib/dockerfile/mounts.js"
import { expandWord } from "../../dagger/lib/dockerfile/words.js"
import { BuilderReader } from "../support/builderReader.js"
import { piecesOf, runs } from "../support/fuzz.js"

let reader: BuilderReader

beforeAll(() => {
  reader = BuilderReader.build()
})
afterAll(() => {
  reader.end()
})

/** Whatever is written, our reader and the engine's find the same in it, or both refuse it. */
describe("reads as the engine's own code does", () => {
  it("words with quotes, escapes and variables", async () => {
    const variables = { a: "one", b: "two words", empty: "", path: "x/y/z.tar.gz", stars: "a*b?c" }
    const env = Object.entries(variables).map(([name, value]) => `${name}=${value}`)
    const word = piecesOf(
      ...[
        "$",
        "${",
        "}",
        "a",
        "b",
        "empty",
        "path",
        "unset",
        "stars",
        ":",
        "-",
        "+",
        "?",
        "#",
        "%",
        "/",
        "*",
        ".",
        "//",
      ],
      ...['"', "'", "\\", " ", "\t", "{", "(", "1", "_", "@", "é", "😀", "x", "z", "=", "~"],
    )
    await fc.assert(
      fc.asyncProperty(word, async (text) => {
        const theirs = await reader.ask({ Kind: "expand", Text: text, Env: env })
        const ours = expandWord(text, (name) => (variables as Readonly<Record<string, string>>)[name])
        expect(ours.kind).toBe(theirs.Error === "" ? "text" : "invalid")
        if (ours.kind === "text") expect(ours.text).toBe(theirs.Text)
      }),
      runs(3000),
    )
  })

  it("lines, continuations, flags and heredocs", async () => {
    const file = piecesOf(
      ...[
        "\n",
        "\n",
        "\n",
        "\\\n",
        "\\ \n",
        "`\n",
        "\r\n",
        "\\\r\n",
        " ",
        "\t",
        "#",
        "# escape=`\n",
        "# syntax=x\n",
      ],
      ...[
        "RUN ",
        "run ",
        "COPY ",
        "ADD ",
        "FROM ",
        "ENV ",
        "ARG ",
        "ONBUILD ",
        "CMD ",
        "LABEL ",
        "USER ",
        "<<E",
        "<<-E",
        '<<"E"',
        "<<'E F'",
      ],
      ...[
        "3<<E",
        "E\n",
        "\tE\n",
        "E F\n",
        "--from=x ",
        "--mount=type=bind,target=/x ",
        "--x",
        "-- ",
        '["a", "b"]',
        "[",
        "]",
        ",",
      ],
      ...[
        "a",
        "b c",
        '"',
        "'",
        "\\",
        "$x",
        "${x}",
        "=",
        "a=b ",
        "\\\\\n",
        "\ufeff",
        "é",
        "\u00a0",
        "\u0085",
        "\u0000",
        "# check=skip=all\n",
      ],
    )
    await fc.assert(
      fc.asyncProperty(file, async (text) => {
        const theirs = await reader.ask({ Kind: "parse", Text: text })
        const problems: Problem[] = []
        const { lines } = readDockerfileLines("Dockerfile", text, problems)
        if (theirs.Error !== "" || theirs.Lines?.some((line) => isOdd(line.Text)) === true) return
        expect(problems).toEqual([])
        expect(lines.map((line) => line.text)).toEqual(theirs.Lines?.map((line) => line.Text))
        lines.forEach((line, index) => {
          const other = theirs.Lines?.[index]
          const instruction = parseInstruction(line)
          expect(instruction.keyword.toLowerCase()).toBe(other?.Keyword.toLowerCase())
          const flags = instruction.flags.map(
            ({ name, value }) => `--${name}${value === undefined ? "" : `=${value}`}`,
          )
          // BuildKit reads flags byte by byte, which breaks other letters than those of ASCII.
          if (/^[\0-\x7f]*$/.test(line.text)) {
            expect(flags).toEqual(other?.Flags ?? [])
            if (["from", "copy", "add"].includes(instruction.keyword.toLowerCase())) {
              expect(instruction.json ?? wordsOf(instruction).map((word) => word.text)).toEqual(other?.Args)
            }
            if (["arg"].includes(instruction.keyword.toLowerCase())) {
              expect(assignmentsOf(instruction).map((word) => word.text)).toEqual(other?.Args)
            }
          }
          expect(line.heredocs.length).toBe(
            other?.Heredocs.reduce((count, { Content }) => count + Content.split("\n").length, 0),
          )
        })
      }),
      runs(3000),
    )
  })

  it("instructions that it accepts", async () => {
    const flag = piecesOf(
      ...["--chown=1 ", "--chmod=644 ", "--link ", "--link=true ", "--link=x ", "--from=a ", "--checksum=a "],
      ...[
        "--keep-git-dir ",
        "--network=none ",
        "--platform=a ",
        "--exclude=a ",
        "--parents ",
        "--chown ",
        "--x ",
      ],
      ...[
        "--interval=1s ",
        "--interval=1x ",
        "--timeout=1m30.5s ",
        "--retries=3 ",
        "--retries=x ",
        "--retries=-1 ",
      ],
      ...["--start-period=0 ", "--start-interval=1us ", "--interval=-1s ", "-- "],
    )
    const mount = fc
      .array(
        fc.constantFrom(
          ...[
            "type=bind",
            "type=cache",
            "type=tmpfs",
            "type=secret",
            "type=Secret",
            "type=x",
            "target=/x",
            "dst=/y",
          ],
          ...[
            "source=a",
            "src=b",
            "from=a",
            "id=i",
            "required",
            "required=1",
            "required=x",
            "ro",
            "rw=false",
            "ro=2",
          ],
          ...[
            "sharing=locked",
            "sharing=x",
            "mode=644",
            "mode=9",
            "uid=1",
            "gid=x",
            "size=1g",
            "size=1.5 MiB",
          ],
          ...["size=x", "env=E", "x", "y=1", "target", ""],
        ),
        { minLength: 1, maxLength: 4 },
      )
      .map((options) => `--mount=${options.join(",").replaceAll(" ", "\\ ")} `)
    const keyword = fc.constantFrom(
      ..."ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE HEALTHCHECK LABEL MAINTAINER".split(" "),
    )
    const other = fc.constantFrom(..."RUN SHELL STOPSIGNAL USER VOLUME WORKDIR".split(" "))
    const args = piecesOf(
      ...[
        "a ",
        "b=c ",
        "=d ",
        "e= ",
        '["f", "g"]',
        "[1]",
        "[]",
        '[""]',
        '["f"]',
        "CMD ",
        "cmd x",
        "NONE ",
        "none",
        " ",
      ],
      ...["'q r' ", '"s"', "=", "80", "/x "],
    )
    const instruction = fc.oneof(
      fc
        .tuple(fc.oneof(keyword, other), fc.oneof(fc.constant(""), flag), args)
        .map((parts) => parts.join(" ")),
      fc.tuple(mount, mount).map(([one, two]) => `RUN ${one}${two}true`),
    )
    await fc.assert(
      fc.asyncProperty(instruction, async (text) => {
        const source = `FROM a\n${text}\n`
        const theirs = await reader.ask({ Kind: "instructions", Text: source })
        const problems: Problem[] = []
        const stages = parseDockerfile("Dockerfile", source, problems)?.stages ?? []
        const mounts = stages
          .flatMap(({ instructions }) => instructions.filter((each) => each.keyword === "RUN"))
          .flatMap(({ flags }) => flags.filter(({ name }) => name === "mount"))
        const mistakes = mounts.flatMap((each) => readMount(each, () => undefined).mistake ?? [])
        const ours = [...problems.map(({ message }) => message), ...mistakes]
        expect({ text, refused: ours.length > 0, ours: theirs.Error === "" ? ours : [] }).toEqual({
          text,
          refused: theirs.Error !== "",
          ours: [],
        })
      }),
      runs(6000),
    )
  })

  it(".dockerignore", async () => {
    const line = fc
      .array(
        fc.constantFrom(
          ...[
            "a",
            "b",
            "ab",
            "*",
            "**",
            "?",
            "/",
            "/",
            ".",
            "..",
            "!",
            "[",
            "]",
            "^",
            "-",
            "\\",
            " ",
            "#",
            "+",
            "(",
            "{",
            "é",
            "😀",
            "\r",
          ],
        ),
        { maxLength: 9 },
      )
      .map((parts) => parts.join(""))
    const path = fc.array(fc.constantFrom("a", "b", "ab", "a.b", "a b", "é", "😀", "[a]", "a+", "(b", "-"), {
      minLength: 1,
      maxLength: 4,
    })
    const paths = fc.array(
      path.map((names) => names.join("/")),
      { minLength: 1, maxLength: 5 },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 4 }), paths, async (patterns, names) => {
        const text = patterns.join("\n")
        const theirs = await reader.ask({ Kind: "ignore", Text: text, Paths: names })
        const problems: Problem[] = []
        const ignoreFile = parseIgnoreFile(".dockerignore", text, problems)
        if (theirs.Error !== "") {
          expect(problems).not.toEqual([])
          return
        }
        // Builders notice some mistakes only where a path leads them there.
        if (problems.length > 0) return
        expect(names.map((name) => isIgnored(ignoreFile, name))).toEqual(theirs.Matches)
      }),
      runs(3000),
    )
  })
})

/**
 * A line of nothing but its continuation: an instruction without a name, which no builder accepts. And one that ends
 * with a backslash that escapes nothing, which BuildKit drops here and there.
 */
function isOdd(text: string): boolean {
  return text === "" || text.endsWith("\\\\\\")
}
