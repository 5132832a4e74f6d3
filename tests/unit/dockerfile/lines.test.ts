import type { Problem } from "../../../dagger/lib/problems.js"
import { describe, expect, it } from "vitest"
import type { LogicalLine } from "../../../dagger/lib/dockerfile/lines.js"
import { locationAt, readDockerfileLines } from "../../../dagger/lib/dockerfile/lines.js"
import { formatProblem } from "../../../dagger/lib/problems.js"

function read(...lines: readonly string[]) {
  const problems: Problem[] = []
  const result = readDockerfileLines("Dockerfile", lines.join("\n"), problems)
  return { ...result, problems: problems.map(formatProblem) }
}

function texts(lines: readonly LogicalLine[]): readonly string[] {
  return lines.map(({ text }) => text)
}

describe("logical lines", () => {
  it.each([
    ["continuations", ["RUN a \\", "  b \\", "c"], ["RUN a   b c"]],
    ["blanks after the backslash", ["RUN a \\  \t", "b", "USER x"], ["RUN a b", "USER x"]],
    ["a comment between continued lines", ["RUN a \\", "# no", "   # no", "  b"], ["RUN a   b"]],
    ["an empty line between continued lines", ["RUN a \\", "", "b"], ["RUN a b"]],
    ["comments and blank lines", ["", "# c", "  # d", "FROM x", "\t"], ["FROM x"]],
    ["an escaped backslash, which continues nothing", ["RUN a \\\\", "USER b"], ["RUN a \\\\", "USER b"]],
    ["a continuation at the end of the file", ["RUN a \\"], ["RUN a "]],
    ["indentation", ["   FROM x"], ["FROM x"]],
    ["Windows line ends", ["FROM x\r", "RUN a \\\r", "  b\r"], ["FROM x", "RUN a   b"]],
    ["a byte order mark", ["\uFEFFFROM x"], ["FROM x"]],
    ["a keyword in two parts", ["FR\\", "OM x"], ["FROM x"]],
    ["white space of Unicode before an instruction", ["\u0085\u00a0FROM x"], ["FROM x"]],
    ["a byte order mark elsewhere, which is text", ["FROM x", "\uFEFFRUN y"], ["FROM x", "\uFEFFRUN y"]],
    ["a hash inside a line", ["RUN a # b \\", "c"], ["RUN a # b c"]],
  ])("%s", (_, lines, expected) => {
    expect(texts(read(...lines).lines)).toEqual(expected)
  })

  it("knows where each character stands", () => {
    const [line] = read("  RUN a \\", "# comment", "    bc").lines
    const places = [0, 4, 6, 10].map((offset) => line && locationAt(line, offset))
    expect(places).toEqual([
      { file: "Dockerfile", line: 1, column: 3 },
      { file: "Dockerfile", line: 1, column: 7 },
      { file: "Dockerfile", line: 3, column: 1 },
      { file: "Dockerfile", line: 3, column: 5 },
    ])
  })
})

describe("heredocs", () => {
  it.each([
    ["one", ["RUN <<EOF", "FROM no", "EOF", "USER x"], ["FROM no", "EOF"]],
    [
      "with continued text after it",
      ["RUN cat <<EOF && \\", "  true", "FROM no", "EOF", "USER x"],
      ["FROM no", "EOF"],
    ],
    ["tabs off its terminator", ["RUN <<-EOF", "\tRUN no", "\tEOF", "USER x"], ["\tRUN no", "\tEOF"]],
    ["no tabs off its terminator", ["RUN <<EOF", "\tEOF", "EOF", "USER x"], ["\tEOF", "EOF"]],
    ["several", ["COPY <<A <<B /", "A", "RUN no", "B", "USER x"], ["A", "RUN no", "B"]],
    ["quoted", ["RUN <<'EOF'", "$x", "EOF", "USER x"], ["$x", "EOF"]],
    ["with blanks in its name", ["RUN <<'E O F'", "RUN no", "E O F", "USER x"], ["RUN no", "E O F"]],
    ["on a file descriptor", ["RUN cat 3<<EOF", "RUN no", "EOF", "USER x"], ["RUN no", "EOF"]],
    ["of ONBUILD", ["ONBUILD RUN <<EOF", "RUN no", "EOF", "USER x"], ["RUN no", "EOF"]],
    [
      "with a comment and a backslash in it",
      ["RUN <<EOF", "# c", "a \\", "EOF", "USER x"],
      ["# c", "a \\", "EOF"],
    ],
  ])("%s", (_, lines, body) => {
    const result = read(...lines)
    expect(result.problems).toEqual([])
    expect(result.lines[0]?.heredocs).toEqual(body)
    expect(texts(result.lines).at(-1)).toBe("USER x")
    expect(result.lines).toHaveLength(2)
  })

  it.each([
    ["in quotes", 'RUN echo "<<EOF"'],
    ["in JSON", 'COPY ["<<EOF", "/x"]'],
    ["of ONBUILD in ONBUILD, which nobody accepts", "ONBUILD ONBUILD RUN <<EOF"],
    ["in an instruction that knows none", "ENV a=<<EOF"],
    ["a here-string", "RUN cat <<<word"],
    ["a shift", "RUN echo $((1<<2))"],
  ])("none %s", (_, line) => {
    expect(read(line, "USER x").lines.map(({ heredocs }) => heredocs)).toEqual([[], []])
  })

  it("that is not closed is a problem", () => {
    expect(read("FROM x", "RUN <<EOF", "echo").problems).toEqual([
      'Dockerfile:2:1: the heredoc "EOF" is not closed: no line is just EOF',
    ])
  })
})

describe("directives", () => {
  it("are read at the top", () => {
    const { directives, escape } = read("# syntax=a/b:1", "#escape = `", "FROM x", "# check=skip=all")
    expect(directives.map(({ name, value }) => [name, value])).toEqual([
      ["syntax", "a/b:1"],
      ["escape", "`"],
    ])
    expect(escape).toBe("`")
  })

  it.each([
    ["after a comment", ["# comment", "# escape=`"]],
    ["after an empty line", ["", "# escape=`"]],
  ])("are comments %s", (_, lines) => {
    expect(read(...lines, "FROM x").escape).toBe("\\")
  })

  it("continue lines with the character they set", () => {
    expect(texts(read("# escape=`", "RUN a `", "  b \\", "USER x").lines)).toEqual(["RUN a   b \\", "USER x"])
  })

  it.each([
    [
      "twice",
      ["# escape=`", "# escape=`"],
      'Dockerfile:2:1: the directive "escape" stands here a second time',
    ],
    [
      "of another character",
      ["# escape=^"],
      'Dockerfile:1:1: "^" cannot be the escape character (it is \\ or `)',
    ],
  ])("%s are a problem", (_, lines, problem) => {
    expect(read(...lines, "FROM x").problems).toEqual([problem])
  })
})
