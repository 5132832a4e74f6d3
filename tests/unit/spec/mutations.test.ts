import { expect, test } from "vitest"
import fc from "../../support/fastCheck.js"
import { InputError } from "../../../dagger/lib/problems.js"
import { loadSpec } from "../../../dagger/lib/spec/loadSpec.js"
import { example } from "../../../docs/specPage.js"
import { sourceOf } from "../../support/source.js"
import { runs } from "../../support/fuzz.js"

const dockerfiles = {
  "images/datascience-notebook/Dockerfile": "",
  "images/scipy-ml-notebook/Dockerfile": "",
}

/** Every mistake is the user's, in words, at a place; anything else that is thrown is ours. */
function expectOnlyInputErrors(files: Readonly<Record<string, string>>): void {
  try {
    loadSpec(sourceOf({ ...dockerfiles, ...files }))
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    expect(error.problems.length).toBeGreaterThan(0)
    for (const { location, message } of error.problems) {
      expect(location.line).toBeGreaterThan(0)
      expect(location.column).toBeGreaterThan(0)
      expect(message).not.toMatch(/undefined|\[object/)
    }
  }
}

const fragments = fc.constantFrom(
  ...[
    "{",
    "}",
    "[",
    "]",
    ":",
    "- ",
    "&a",
    "*a",
    "<<: ",
    "!!x ",
    "|",
    ">",
    "'",
    '"',
    "#",
    "\n",
    "\t",
    "  ",
    "? ",
  ],
  ...[
    "---",
    "%YAML 1.1\n",
    "__proto__",
    "constructor",
    "~",
    "null",
    ".inf",
    ".nan",
    "0o7",
    "1e999",
    "\u0000",
    "é",
  ],
)

test("pieces cut out of a spec, and pieces put in", () => {
  const edit = fc.record({
    at: fc.nat(example.length),
    cut: fc.nat(40),
    put: fc.oneof(fragments, fc.string({ unit: "binary", maxLength: 8 })),
  })
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 5 }), (edits) => {
      const text = edits.reduce(
        (now, { at, cut, put }) => now.slice(0, at) + put + now.slice(at + cut),
        example,
      )
      expectOnlyInputErrors({ "spec.yml": text })
    }),
    runs(400),
  )
})

test("any value at any key", () => {
  const keys = [
    ...[
      "root",
      "images",
      "tag",
      "all_info_cmds",
      "tests",
      "hub",
      "gpu",
      "wiki",
      "registry",
      "prefix",
      "version",
    ],
    ...[
      "image_name",
      "build_args",
      "depend_on",
      "copies_from",
      "info_cmds",
      "size_budget",
      "launch",
      "image",
      "a",
      "constructor",
    ],
  ]
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: "medium" },
      fc.constantFrom<unknown>(null, true, 3.1, -1, "a", "", "ghcr.io/x/a", "2026.4", "__proto__"),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...keys), tie("value"), { maxKeys: 6 }),
    ),
  }))
  const spec = fc.dictionary(fc.constantFrom(...keys.slice(0, 9)), value, { maxKeys: 9 })
  fc.assert(
    fc.property(spec, value, (written, changes) => {
      expectOnlyInputErrors({
        "spec.yml": JSON.stringify(written),
        "images/change_ignore.json": JSON.stringify(changes),
      })
    }),
    runs(400),
  )
})
