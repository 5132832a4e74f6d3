import { beforeAll, describe, expect, test } from "vitest"
import { readChangeRules } from "../../../dagger/lib/spec/changeRules.js"
import { parseDockerfile } from "../../../dagger/lib/dockerfile/dockerfile.js"
import { isIgnored, parseIgnoreFile } from "../../../dagger/lib/dockerfile/ignoreFile.js"
import type { LinkRequest } from "../../../dagger/lib/dockerfile/link.js"
import { linkStack } from "../../../dagger/lib/dockerfile/link.js"
import { expandWord } from "../../../dagger/lib/dockerfile/words.js"
import { readGitFacts } from "../../../dagger/lib/git/gitFacts.js"
import { webAddress } from "../../../dagger/lib/git/webAddress.js"
import { parseHostKey } from "../../../dagger/lib/gpu/hostKey.js"
import { readPytestLog } from "../../support/pytestLog.js"
import { redactor } from "../../../dagger/lib/text/redact.js"
import { LineSplitter, Transcript } from "../../../dagger/lib/gpu/transcript.js"
import { compareVersions } from "../../../dagger/lib/manifest/compareVersions.js"
import { ecosystems, parseManifest } from "../../../dagger/lib/manifest/manifestData.js"
import { parsePackageList } from "../../../dagger/lib/manifest/packageLists.js"
import { readPlan } from "../../../dagger/lib/plan/planDocument.js"
import { parseJournal } from "../../../dagger/lib/promote/journal.js"
import { parseReference, underRegistry } from "../../../dagger/lib/reference/reference.js"
import { parseChallenge } from "../../../dagger/lib/registry/challenge.js"
import { parseRetryAfter } from "../../../dagger/lib/registry/retry.js"
import { loadSpec } from "../../../dagger/lib/spec/loadSpec.js"
import { branchTag } from "../../../dagger/lib/tag/branchTag.js"
import { renderJunit } from "../../../dagger/lib/testing/junit.js"
import { parseTestRun } from "../../../dagger/lib/testing/testRun.js"
import { codeCell, codeSpan, escapeCell, fenced, plainText } from "../../../dagger/lib/text/markdown.js"
import { cleanText } from "../../../dagger/lib/text/cleanText.js"
import { suggest } from "../../../dagger/lib/text/suggest.js"
import { cellsOf, formatTablePage, parseTablePage } from "../../../dagger/lib/wiki/tablePage.js"
import { quarterOf, rowKey } from "../../../dagger/lib/wiki/homeRow.js"
import { adoptRows, parseIndex } from "../../../dagger/lib/wiki/wikiIndex.js"
import { sourceOf, stackOf } from "../../support/source.js"
import { quarterScheme } from "../../support/tagScheme.js"

/**
 * Processor seconds that a call may take: a second on a machine of its own, four beside other work. What grows by the
 * square takes minutes.
 */
const limit = 10

function seconds(call: () => unknown): number {
  const before = process.cpuUsage()
  try {
    call()
  } catch (error) {
    // A refusal is an answer, too; a stack that overflowed or an array that grew too long is none.
    if (error instanceof RangeError) throw error
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}

const mebibyte = 1 << 20

/** As long as asked for, of one piece again and again. */
function of(piece: string, length = mebibyte, end = ""): string {
  return piece.repeat(Math.ceil(length / piece.length)) + end
}

function link(dockerfile: string): unknown {
  const tree = sourceOf({
    "spec.yml": JSON.stringify({ images: { a: { image_name: "ghcr.io/x/a" } }, tag: { prefix: "2026.4" } }),
    "images/a/Dockerfile": dockerfile,
    "images/a/data": "",
  })
  const spec = loadSpec(tree)
  return linkStack({ spec, tree, images: ["a"] })
}

function spec(text: string): unknown {
  return loadSpec(sourceOf({ "spec.yml": text, "images/a/Dockerfile": "FROM scratch" }))
}

/** Paths as those of a real tree: a few levels, some names again and again. */
const manyPaths = Array.from(
  { length: 20_000 },
  (_, index) => `src/module${index % 40}/part${index % 7}/file-${index}.${["py", "txt", "json"][index % 3]}`,
)
const abcPaths = manyPaths.slice(0, 1000).map((path, index) => `${path}/a${index}b${index % 500}c${index}`)

const doubleStars = (count: number) => distinct((i) => `**/build${i}/*.${i % 2 === 0 ? "o" : "log"}`, count)

function ignoredOf(patterns: string, paths: readonly string[]): unknown {
  const ignoreFile = parseIgnoreFile(".dockerignore", patterns, [])
  return paths.map((path) => isIgnored(ignoreFile, path))
}

/** A chain of 25 images, each with 1060 files, of which 20 instructions copy parts. */
function largeStack(): LinkRequest {
  const copies = distinct((i) => `COPY folder${i} /folder${i}`, 20)
  const own = Array.from({ length: 1060 }, (_, index) => [`folder${index % 20}/file${index}`, ""] as const)
  const names = Array.from({ length: 25 }, (_, index) => `i${index}`)
  const images = names.map((name, index) => {
    const from = index === 0 ? "debian:13" : `ghcr.io/example/i${index - 1}`
    const texts = { Dockerfile: `FROM ${from}\n${copies}\n`, ".dockerignore": "**/*.pyc\n**/.cache\n" }
    const files = { ...Object.fromEntries(own), ...texts }
    return [name, { files, ...(index > 0 && { depend_on: `i${index - 1}` }) }] as const
  })
  const tree = stackOf(Object.fromEntries(images))
  return { spec: loadSpec(tree), tree, images: names }
}

let largest: LinkRequest

beforeAll(() => {
  largest = largeStack()
})

/** More often than a run does: for all, and for what each image is built on. */
function linkedAgain(): void {
  for (const count of [25, ...Array.from({ length: 26 }, (_, index) => index)]) {
    linkStack({ ...largest, images: largest.images.slice(0, count) })
  }
}

const distinct = (line: (index: number) => string, lines: number): string =>
  Array.from({ length: lines }, (_, index) => line(index)).join("\n")

describe("texts of a mebibyte are read in a second", () => {
  test.each<readonly [string, () => unknown]>([
    ["carriage returns in a Dockerfile", () => link(`FROM scratch\nRUN ${of("\r", mebibyte, "x")}`)],
    ["blanks behind a directive", () => link(of("# syntax=a", 10, of(" ", mebibyte, "b\nFROM scratch")))],
    ["continuation lines", () => link(`FROM scratch\nRUN ${of("a \\\n")}b\n`)],
    ["comments between continuation lines", () => link(`FROM scratch\nRUN a \\\n${of("# c\n")}b\n`)],
    ["backslashes", () => link(`FROM scratch\nRUN ${of("\\", mebibyte, "x")}`)],
    ["a line of many flags", () => link(`FROM scratch\nRUN ${of("--mount=type=cache,target=/x ")}x`)],
    ["many stages", () => link(of("FROM scratch\n", 30_000))],
    ["many stages of one name", () => link(of("FROM scratch AS a\n", 30_000))],
    [
      "many stages on each other",
      () => link(`FROM scratch AS a0\n${distinct((i) => `FROM a${i} AS a${i + 1}`, 2000)}`),
    ],
    ["many variables", () => link(`FROM scratch\n${distinct((i) => `ENV a${i}=1`, 80_000)}`)],
    [
      "many variables in one line",
      () => link(`FROM scratch\nENV ${distinct((i) => `a${i}=1`, 80_000).replaceAll("\n", " ")}`),
    ],
    [
      "many arguments",
      () =>
        link(
          `${distinct((i) => `ARG a${i}=1`, 40_000)}\nFROM scratch\n${distinct((i) => `ARG a${i}`, 40_000)}`,
        ),
    ],
    ["many copies", () => link(`FROM scratch\n${of("COPY data /x\n")}`)],
    ["many unknown instructions", () => link(`FROM scratch\n${of("FRM x\n")}`)],
    ["an unknown instruction of a mebibyte", () => link(`FROM scratch\n${of("X")}`)],
    ["many mistakes in one instruction", () => link(`FROM scratch\nRUN ${of("--mount=from=9 \\\n")}x`)],
    ["heredocs that are not closed", () => link(`FROM scratch\nRUN ${of("<<a ")}`)],
    ["heredocs", () => link(`FROM scratch\n${of("RUN <<a\nb\na\n")}`)],
    ["ONBUILD in ONBUILD", () => link(`FROM scratch\n${of("ONBUILD ")}RUN <<a\na\n`)],
    ["substitutions in substitutions", () => link(`FROM scratch\nENV a=${of("${a:-")}`)],
    ["substitutions that are closed", () => link(`FROM scratch\nENV a=${of("${a:-")}${of("}", 210_000)}`)],
    ["${ and $ on end", () => link(`FROM scratch\nENV a=${of("${")}\nENV b=${of("$", 1000)}`)],
    ["quotes that are not closed", () => parseDockerfile("Dockerfile", `FROM a\n${of("ARG 'a\n")}`, [])],
    [
      "a pattern of many stars in a variable",
      () => expandWord(`\${a##${of("*a", 60)}b}`, () => of("a", 10_000)),
    ],
    ["a replacement of many stars", () => expandWord(`\${a//${of("a*", 20)}b/x}`, () => of("a", 1000))],
    [
      "a .dockerignore of many stars",
      () => isIgnored(parseIgnoreFile("f", of("*a", 100, "b"), []), of("a", 4000)),
    ],
    [
      "a .dockerignore of double stars",
      () => isIgnored(parseIgnoreFile("f", of("**/a", 100, "b"), []), of("a/", 4000)),
    ],
    ["a .dockerignore of many lines", () => parseIgnoreFile("f", of("a*\n"), [])],
    ["500 patterns of double stars for 20,000 files", () => ignoredOf(doubleStars(500), manyPaths)],
    ["100 patterns of double stars for 20,000 files", () => ignoredOf(doubleStars(100), manyPaths)],
    [
      "100 patterns of stars for 1000 files that nearly match each",
      () =>
        ignoredOf(
          distinct((i) => `**/a*b*${i}*c`, 100),
          abcPaths,
        ),
    ],
    ["replacements in 40 KB", () => expandWord("${A//x/yy}", () => of("ax", 40_000))],
    ["replacements that are none in 40 KB", () => expandWord("${A//x?y/z}", () => of("x", 40_000))],
    ["replacements of stars in 40 KB", () => expandWord("${A//a*b/z}", () => of("ab\na", 40_000))],
    ["25 images of 26,500 files, linked again and again", linkedAgain],
    ["a .dockerignore of one class", () => parseIgnoreFile("f", `[${of("a-b", mebibyte)}]`, [])],
    ["a .dockerignore of open classes", () => parseIgnoreFile("f", of("["), [])],
  ])("%s", (_, call) => {
    expect(seconds(call)).toBeLessThan(limit)
  })

  const images = (key: string, value = "") =>
    `images:\n  ${key}: {image_name: ghcr.io/x/a${value}}\ntag: {prefix: 2026.4}\n`
  test.each<readonly [string, () => unknown]>([
    ["nested lists", () => spec(of("["))],
    ["nested mappings", () => spec(of("{a: "))],
    ["nested blocks", () => spec(distinct((i) => `${" ".repeat(i)}a:`, 1400))],
    [
      "an alias bomb",
      () => spec(`a0: &a0 [x]\n${distinct((i) => `a${i + 1}: &a${i + 1} [${of(`*a${i},`, 40)}]`, 20)}`),
    ],
    ["many aliases", () => spec(`a: &a x\nb: [${of("*a,")}]`)],
    ["many anchors and aliases", () => spec(distinct((i) => `a${i}: &a${i} x\nb${i}: *a${i}`, 30_000))],
    ["merge keys", () => spec(`a: &a {b: c}\nd:\n  <<: [${of("*a,", 500_000)}]`)],
    ["the same key", () => spec(of("a: b\n"))],
    ["unknown keys", () => spec(distinct((i) => `k${i}: x`, 80_000))],
    ["unknown keys of a mebibyte", () => spec(`${of("k")}: x\nimages: {}`)],
    [
      "a parent of a mebibyte",
      () => spec(`images:\n  ${of("a", mebibyte / 2)}: {depend_on: ${of("b", mebibyte / 2)}}`),
    ],
    ["an image name of a mebibyte", () => spec(images("a", of("-a")))],
    ["syntax errors", () => spec(of("]\n"))],
    ["quotes", () => spec(of("'"))],
    ["tabs", () => spec(of("\t"))],
    ["blank lines", () => spec(of("\n", mebibyte, "x"))],
    [
      "change rules",
      () => readChangeRules(sourceOf({ "images/change_ignore.json": of("["), "spec.yml": "" })),
    ],
  ])("spec: %s", (_, call) => {
    expect(seconds(call)).toBeLessThan(limit)
  })

  const rows = (lines: readonly string[]) => lines.map((line) => ({ line }))
  test.each<readonly [string, () => unknown]>([
    ["backticks in a row", () => rowKey(`|${of("`")}|${of("`")}|x|`)],
    ["backticks by twos in a row", () => rowKey(`|a|${of("`` ")}|x|`)],
    ["pipes in a row", () => cellsOf(of("|"))],
    ["a tag of digits", () => quarterOf(`|a|:2026.${of("4")}|`)],
    ["a table of empty rows", () => parseTablePage(`| Commit |\n|---|\n${of("|\n")}`)],
    ["tables of titles", () => formatTablePage(parseTablePage(of("|commit\n")))],
    ["blanks around a table", () => parseTablePage(of(" \n", mebibyte, "x"))],
    [
      "an index and a page of many rows",
      () => {
        const lines = Array.from({ length: 20_000 }, (__, index) => `|\`${index}\`|\`a:${index}\`|x|`)
        adoptRows(rows(lines), lines.toReversed())
      },
    ],
    [
      "a page of rows that are alike",
      () =>
        adoptRows(
          [],
          Array.from({ length: 20_000 }, () => "|a|b|c|"),
        ),
    ],
    ["an index that is none", () => parseIndex(of("["), "x")],
  ])("wiki: %s", (_, call) => {
    expect(seconds(call)).toBeLessThan(limit)
  })

  const pieces = [
    "= ",
    "1 passed, ",
    " in 1",
    "!",
    "[ 1",
    "\u001b[",
    "\u001b]",
    "_ ERROR collecting ",
    " ",
    "\r",
    "(",
    "1 error, ",
  ]
  test.each<readonly [string, () => unknown]>([
    ...pieces.map(
      (piece) =>
        [`a log of ${JSON.stringify(piece)}`, () => readPytestLog(of(piece, mebibyte, "x"))] as const,
    ),
    ["a secret of one letter", () => redactor(["a"])(of("a"))],
    ["a secret that overlaps itself", () => redactor([of("ab", 100)])(of("ab"))],
    [
      "output byte by byte",
      () => {
        const splitter = new LineSplitter(() => undefined)
        for (let index = 0; index < 200_000; index += 1) splitter.write(Buffer.from("."))
      },
    ],
    [
      "a transcript of empty lines",
      () => {
        const transcript = new Transcript()
        for (let index = 0; index < mebibyte; index += 1) transcript.add("")
        return transcript.text
      },
    ],
    [
      "stars of known_hosts",
      () => parseHostKey(`${of("*a", 60)}b ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA`, of("a", 60), 22),
    ],
    ["lines of known_hosts", () => parseHostKey(of("a b c\n"), "host", 22)],
  ])("ssh: %s", (_, call) => {
    expect(seconds(call)).toBeLessThan(limit)
  })

  const texts = [" ", "\n", "\r", "`", "` ", "``\n", "\\", "|", "\u001b[1", "a\r", "&", " \n"]
  const renderers = { plainText, escapeCell, codeSpan, codeCell, fenced, cleanText }
  test.each(
    texts.flatMap((text) => Object.entries(renderers).map(([name, render]) => [name, text, render] as const)),
  )("%s of %j", (_, text, render) => {
    expect(seconds(() => render(of(text, mebibyte, "x")))).toBeLessThan(limit)
  })

  const outputs = ["\n", " ", "[", "]", "[\n", "a==", "a b\n", "\ta", '"a" ', "a:", "package\t"]
  test.each(ecosystems.flatMap((ecosystem) => outputs.map((output) => [ecosystem, output] as const)))(
    "packages of %s: %j",
    (ecosystem, output) => {
      expect(seconds(() => parsePackageList(ecosystem, of(output, mebibyte, "x")))).toBeLessThan(limit)
    },
  )

  const versions = ["1", "1.", "a", "a1", "-", "~", ".dev", "1!", "0", "_", "+a."]
  test.each(ecosystems.flatMap((ecosystem) => versions.map((version) => [ecosystem, version] as const)))(
    "versions of %s: %j",
    (ecosystem, version) => {
      expect(
        seconds(() => compareVersions(ecosystem, of(version, 200_000, "!"), of(version, 200_000))),
      ).toBeLessThan(limit)
      expect(
        seconds(() =>
          compareVersions(ecosystem, `1${of(version, 200_000)}`, `1${of(version, 200_000, "1")}`),
        ),
      ).toBeLessThan(limit)
    },
  )

  const documents = { parseManifest, readPlan, parseJournal, parseTestRun, readGitFacts }
  test.each(Object.entries(documents))("%s", (_, read) => {
    for (const text of [
      of("["),
      of('{"a":'),
      `[${of("{},")}{}]`,
      `{"version":1,"steps":[${of("{},", 60_000)}{}]}`,
    ]) {
      expect(seconds(() => read(text))).toBeLessThan(limit)
    }
  })

  test.each<readonly [string, () => unknown]>([
    ["a reference of letters", () => parseReference(of("a"))],
    ["a reference of hyphens", () => parseReference(`a${of("-")}`)],
    ["a reference of hosts", () => parseReference(`${of("a-")}.b/c`)],
    ["a reference of slashes", () => parseReference(of("a/"))],
    ["a registry of slashes", () => underRegistry(of("/", mebibyte, "x"), { registry: "a", path: "b" })],
    ["a branch of hyphens", () => branchTag(quarterScheme, of("-", mebibyte, "x"))],
    ["a branch of slashes", () => branchTag(quarterScheme, of("/", mebibyte, "x//"))],
    ["a remote of slashes", () => webAddress(of("/", mebibyte, "x"))],
    ["a remote of colons", () => webAddress(of("a:"))],
    ["a challenge of quotes", () => parseChallenge(of('a="'))],
    ["a challenge of backslashes", () => parseChallenge(`a="${of("\\")}`)],
    ["a challenge of blanks", () => parseChallenge(`a${of(" ", mebibyte, "x")}`)],
    ["a challenge of open quotes", () => parseChallenge(of('a="b,'))],
    ["a pause of digits", () => parseRetryAfter(of("1"), 0)],
    ["a pause of units", () => parseRetryAfter(of("1h", mebibyte, "x"), 0)],
    ["a name that is like none", () => suggest(of("a", mebibyte / 2), [of("b", mebibyte / 2), "a"])],
    [
      "a test that printed much",
      () => {
        const test = {
          id: of("::"),
          outcome: "failed",
          seconds: 1,
          message: of("]]>\n"),
          output: of("\u0000"),
          attempts: 1,
          flaky: false,
        } as const
        return renderJunit("a", { kind: "ran", startedAt: 1, seconds: 1, tests: [test], otherUsers: [] })
      },
    ],
  ])("%s", (_, call) => {
    expect(seconds(call)).toBeLessThan(limit)
  })
})
