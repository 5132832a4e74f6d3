import { describe, expect, test } from "vitest"
import { codeCell, codeSpan, fenced, plainText } from "../../../dagger/lib/text/markdown.js"
import { formatManifest, parseManifest } from "../../../dagger/lib/manifest/manifestData.js"
import { renderPage } from "../../../dagger/lib/manifest/page.js"
import { pageName } from "../../../dagger/lib/manifest/pageName.js"
import { parseReference } from "../../../dagger/lib/reference/reference.js"
import { manifestOf, packagesOf, twoPlatforms } from "../../support/manifests.js"
import type { ImageManifest, InfoSection } from "../../../dagger/lib/manifest/manifestData.js"

function section(output: string, exitCode = 0, changes: Partial<InfoSection> = {}): string {
  const info = { key: "KEY", description: "Title", command: "cmd", output, exitCode, ...changes }
  const page = renderPage(manifestOf("base", "t", { sections: [info], packages: {}, layers: [] }))
  return page.slice(page.indexOf(`## `, page.indexOf("docker pull")), page.indexOf("## Tests")).trim()
}

function lines(count: number): string {
  return Array.from({ length: count }, (_, index) => `line ${index}`).join("\n")
}

test("a whole page", async () => {
  await expect(renderPage(fullManifest)).toMatchFileSnapshot("golden/page.md")
})

test("a page of an image that was not published and of which little is known", async () => {
  const unknown = { digest: undefined, commit: undefined, tests: undefined, base: undefined }
  const page = renderPage({
    ...manifestOf(),
    ...unknown,
    size: {},
    layers: [],
    sections: [],
    packages: {},
    tags: [],
  })
  await expect(page).toMatchFileSnapshot("golden/bare-page.md")
})

test("a page of an image of two platforms: the first, and what differs on the other", async () => {
  const arm = { apt: "bash 5.2.15-2, libc6 2.37-1, only-arm 1.0", pip: "numpy 1.26.4" }
  const page = renderPage(
    twoPlatforms({ apt: "bash 5.2.15-2, libc6 2.36-9", pip: "numpy 1.26.4, pandas 2.2.0" }, arm),
  )
  await expect(page).toMatchFileSnapshot("golden/platforms-page.md")
})

describe("the other platforms of an image", () => {
  const section = (manifest: ImageManifest): string => {
    const page = renderPage(manifest)
    const start = page.indexOf("## Other platforms")
    return start === -1 ? "" : page.slice(start, page.indexOf("## Tests")).trim()
  }
  const many = Array.from({ length: 31 }, (_, index) => `p${index + 10} 1`).join(", ")

  test.each<readonly [string, ImageManifest, string]>([
    ["are not spoken of where there is one", manifestOf(), ""],
    [
      "say that nobody has looked into one",
      twoPlatforms({ apt: "bash 1" }, {}),
      "## Other platforms\n\n`linux/arm64`: no run looked into it.",
    ],
    [
      "say that they are the same",
      twoPlatforms({ apt: "bash 1" }, { apt: "bash 1" }),
      "## Other platforms\n\n`linux/arm64`: the same packages as on `linux/amd64`.",
    ],
    ["are compared with nothing where the first is not known", twoPlatforms({}, { apt: "bash 1" }), ""],
  ])("%s", (_, manifest, text) => {
    expect(section(manifest)).toBe(text)
  })

  test("fold many differences, and name lists that are not comparable", () => {
    const text = section(twoPlatforms({ apt: "bash 1" }, { apt: `bash 1, ${many}`, pip: "numpy 1" }))
    expect(text).toContain("`linux/arm64`: 31 packages other than on `linux/amd64`.")
    expect(text).toContain("<summary>31 packages</summary>")
    expect(text).toContain("Not comparable: pip.")
  })
})

describe("info commands", () => {
  test("30 lines are shown, 31 folded", () => {
    expect(section(lines(30))).not.toContain("<details>")
    expect(section(`${lines(30)}\n`)).not.toContain("<details>")
    expect(section(lines(31))).toContain("<details>\n<summary>31 lines</summary>\n\n```text\nline 0")
  })

  test("empty output is a failure", () => {
    expect(section(" \n")).toBe("## Title\n\n`cmd`\n\n> ❌ **Failed:** the command printed nothing.")
  })

  test("a failing command is a failure, with what it printed", () => {
    expect(section("no such file\n", 2)).toBe(
      "## Title\n\n`cmd`\n\n> ❌ **Failed:** the command ended with exit status 2.\n\n```text\nno such file\n```",
    )
  })

  test("fences, HTML and pipes in the output stay in it", () => {
    const output = "```\n</details><h1>|x|</h1>\n````"
    expect(section(output)).toContain(`\`\`\`\`\`text\n${output}\n\`\`\`\`\``)
  })

  test("a title and a command with markup", () => {
    expect(section("x", 0, { description: "A <b> & | [[x]]", command: "echo `date` | wc" })).toBe(
      "## A \\<b\\> \\& \\| \\[\\[x\\]\\]\n\n``echo `date` | wc``\n\n```text\nx\n```",
    )
  })

  test("an output without end is cut, and says so", () => {
    expect(section(lines(4005))).toContain("5 more lines are in the page's data.")
  })
})

test.each([
  ['/bin/sh -c #(nop)  CMD ["bash"]', 'CMD ["bash"]'],
  ["RUN /bin/sh -c apt-get update # buildkit", "RUN apt-get update"],
  ["mount / from exec /bin/sh -c useradd student", "RUN useradd student"],
  ["mount / from exec /bin/tool --flag", "RUN /bin/tool --flag"],
  ["pulled from docker.io/library/debian:13", "FROM docker.io/library/debian:13"],
  [
    `pulled from docker.io/library/debian:13@sha256:${"ab".repeat(32)}`,
    "FROM docker.io/library/debian:13@sha256:abababababab…",
  ],
  ["[child 2/5] COPY --from=child--context a b /opt/", "COPY a b /opt/"],
  ["[child stage-0 12/15] WORKDIR /srv", "WORKDIR /srv"],
])("the layer of %j", (command, shown) => {
  const page = renderPage(manifestOf("base", "t", { layers: [{ command, size: 1 }] }))
  expect(page).toContain(`| 1 | \`${shown}\` | 1&nbsp;B |`)
})

describe("text in Markdown", () => {
  test.each([
    ["a `b` c", "``a `b` c``"],
    ["`x`", "`` `x` ``"],
    ["a\n  b", "`a b`"],
    ["", ""],
  ])("code span of %j", (text, markdown) => {
    expect(codeSpan(text)).toBe(markdown)
  })

  test.each([
    ["a | b", "`a \\| b`"],
    [String.raw`sed 's/a\|b/<c>/'`, "<code>sed &#39;s/a&#92;&#124;b/&#60;c&#62;/&#39;</code>"],
  ])("code in a cell of %j", (text, markdown) => {
    expect(codeCell(text)).toBe(markdown)
  })

  test.each([
    ["1. x", "1\\. x"],
    ["- x_y*", "\\- x\\_y\\*"],
    ["<script>", "\\<script\\>"],
  ])("plain text of %j", (text, markdown) => {
    expect(plainText(text)).toBe(markdown)
  })

  test("a fence is longer than any in the text", () => {
    expect(fenced("````")).toBe("`````\n````\n`````")
  })
})

test.each([
  ["ghcr.io/ucsd-ets/datascience-notebook:2026.4-main", "ghcr-io-ucsd-ets-datascience-notebook-2026.4-main"],
  ["ucsdets/datascience-notebook:2023.2-stable", "ucsdets-datascience-notebook-2023.2-stable"],
  ["debian:13-slim", "debian-13-slim"],
  ["localhost:5000/a/b:1_x", "localhost-5000-a-b-1_x"],
  ["[::1]:5000/a:1", "1--5000-a-1"],
  [`ghcr.io/a/b@sha256:${"0123456789ab".padEnd(64, "c")}`, "ghcr-io-a-b-sha256-0123456789ab"],
])("the page of %s", (reference, name) => {
  expect(pageName(parseReference(reference))).toBe(name)
})

test("a very long reference has a page name that a file system takes, and one of its own", () => {
  const path = (last: string): string =>
    `ghcr.io/${"a".repeat(150)}/${"b".repeat(50)}:${"c".repeat(120)}${last}`
  const names = ["1", "2"].map((last) => pageName(parseReference(path(last))))
  expect(new Set(names).size).toBe(2)
  expect(Math.max(...names.map((name) => name.length))).toBe(200)
})

test("a manifest comes back from its JSON as it was", () => {
  expect(parseManifest(formatManifest(fullManifest))).toEqual(fullManifest)
})

test.each([
  ["{", "x.json is not JSON"],
  ['{"version": 2}', "x.json has version 2, this module reads up to 1"],
  ['{"version": 1}', "x.json is not an image manifest"],
])("%s is refused", (json, message) => {
  expect(() => parseManifest(json, "x.json")).toThrow(message)
})

const fullManifest = manifestOf("datascience-notebook", "2026.4-main", {
  reference: "ghcr.io/ucsd-ets/datascience-notebook:2026.4-main",
  tags: ["2026.4-main", "2026.4-stable"],
  commit: {
    sha: "0123456789abcdef",
    message: "Add r-sf | fix <b>\n\nLong text",
    time: "2026-10-01T11:00:00Z",
  },
  tests: { passed: 34, failed: 0, skipped: 2, errors: 1, seconds: 62.4 },
  layers: [
    { command: "/bin/sh -c #(nop) ADD file:8b1 in / ", size: 74_800_000, created: "2026-09-30T00:00:00Z" },
    {
      command: 'RUN |2 A=1 B=2 /bin/bash -o pipefail -c apt-get update | tee /log   && echo "`x`" # buildkit',
      size: 12_000_000,
    },
    { command: String.raw`RUN /bin/sh -c sed -i 's/a\|b/c/' /etc/x # buildkit`, size: 80 },
    { command: "ENV LANG=C.UTF-8", size: 0, created: "2026-10-01T12:00:00Z" },
  ],
  sections: [
    {
      key: "PY_VER",
      description: "Python Version",
      command: "python --version",
      output: "Python 3.11.8\n",
      exitCode: 0,
    },
    {
      key: "PIP_LIST",
      description: "pip Packages",
      command: "pip list",
      output: `Package Version\n${lines(40)}\n`,
      exitCode: 0,
    },
    {
      key: "CUDA",
      description: "CUDA Version",
      command: "bash -c 'conda list | grep \"cuda\"'",
      output: "",
      exitCode: 1,
    },
  ],
  packages: {
    apt: { kind: "listed", packages: packagesOf("bash 5.2.15-2, libc6 2.36-9+deb12u10") },
    pip: { kind: "listed", packages: packagesOf("numpy 1.26.4, pandas 2.2.0") },
    r: { kind: "failed", reason: "exit status 1: there is no package called ‘utils’" },
    conda: { kind: "absent" },
  },
})
