import { expect, test } from "vitest"
import { stringify } from "yaml"
import fc from "../../support/fastCheck.js"
import { InputError } from "../../../dagger/lib/problems.js"
import { loadSpec } from "../../../dagger/lib/spec/loadSpec.js"
import { readYaml } from "../../../dagger/lib/spec/yamlFile.js"
import { parseSettings } from "../../../dagger/lib/spec/settings.js"
import { parseDuration, parseSize } from "../../../dagger/lib/text/quantity.js"
import { expectPlaces, nastyText, piecesOf, runs } from "../../support/fuzz.js"
import { sourceOf } from "../../support/source.js"

const dockerfiles = { "images/a/Dockerfile": "FROM scratch\n", "images/b/Dockerfile": "FROM scratch\n" }

const yaml = piecesOf(
  ...[
    "\n",
    "\n",
    "\n",
    "\n  ",
    "\n    ",
    "\n  - ",
    ": ",
    ": {",
    "}",
    "[",
    "]",
    ", ",
    "&x ",
    "*x",
    "<<: *x",
    "!!set ",
    "!!binary ",
    "? ",
    "| \n",
    "> \n",
    "'",
    '"',
    "#",
    "---\n",
    "...\n",
    "%TAG ! a\n",
  ],
  ...[
    "images",
    "tag",
    "prefix",
    "image_name",
    "depend_on",
    "copies_from",
    "build_args",
    "a",
    "b",
    "2026.4",
    "ghcr.io/x/a",
    "__proto__",
    "constructor",
    "toString",
    "null",
    "~",
    "0x1",
    "1e400",
    ".nan",
    "\u0000",
    "\ufeff",
    "\u2028",
    "\ud800",
    "\r\n",
    "\t",
  ],
)

/** A value, or every mistake at a place that is there; objects of all others stay what they are. */
function readsOrRefuses(files: Readonly<Record<string, string>>): void {
  const tree = sourceOf({ ...dockerfiles, ...files })
  try {
    loadSpec(tree)
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    expectPlaces(error.problems, tree)
  }
  expect(Object.keys(Object.prototype)).toEqual([])
  expect({}).not.toHaveProperty("polluted")
}

test("spec.yml of any text", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        yaml,
        fc.tuple(yaml, nastyText, yaml).map((parts) => parts.join("")),
      ),
      (text) => {
        readsOrRefuses({ "spec.yml": text })
      },
    ),
    runs(1500),
  )
})

test("a mistake in the syntax stands in its own line, whatever the parser counts", () => {
  const tree = sourceOf({ ...dockerfiles, "spec.yml": "\n  - \n^> \n<<: *x\n\n  ? " })
  expect(() => loadSpec(tree)).toThrow("spec.yml:6:3: not valid YAML: Unexpected explicit-key-ind token")
})

test("an alias stands for the last anchor before it, also behind an alias that repeats an older one", () => {
  const file = readYaml("f", "a: &a [&b 1]\nc: &b 2\nd: *a\ne: *b\n").file
  expect(file?.root.value).toEqual({ a: [1], c: 2, d: [1], e: 2 })
})

test("change_ignore.json of any text", () => {
  const valid = JSON.stringify({ images: { a: { image_name: "ghcr.io/x/a" } }, tag: { prefix: "2026.4" } })
  fc.assert(
    fc.property(fc.oneof(yaml, nastyText, fc.json()), (text) => {
      readsOrRefuses({ "spec.yml": valid, "images/change_ignore.json": text })
    }),
    runs(800),
  )
})

const name = fc.stringMatching(/^[a-z][a-z0-9._-]{0,8}$/)
const scalar = fc.oneof(
  fc.string({ unit: "grapheme", minLength: 1 }),
  fc.constantFrom("3.10", "1e3", "no", "null", "0x10", "~", "'", "# x", " a "),
)
const validSpec = fc.uniqueArray(name, { minLength: 1, maxLength: 4 }).chain((names) =>
  fc.record({
    names: fc.constant(names),
    args: fc.array(fc.dictionary(fc.constantFrom("A", "B", "constructor", "__a"), scalar), {
      minLength: 4,
      maxLength: 4,
    }),
    command: scalar,
  }),
)

test("a valid spec says the same in whatever style of YAML it is written", () => {
  fc.assert(
    fc.property(validSpec, ({ names, args, command }) => {
      const images = Object.fromEntries(
        names.map((image, index) => [
          image,
          {
            image_name: `ghcr.io/x/i${index}`,
            build_args: args[index] ?? {},
            ...(index > 0 && { depend_on: names[index - 1] }),
            copies_from: names.slice(0, Math.max(0, index - 1)),
          },
        ]),
      )
      const written = {
        images,
        tag: { prefix: "2026.4" },
        all_info_cmds: { constructor: { description: "d", command } },
      }
      const files = Object.fromEntries(names.map((image) => [`images/${image}/Dockerfile`, "FROM scratch"]))
      const styles = [
        JSON.stringify(written),
        JSON.stringify(written, null, "\t"),
        stringify(written),
        stringify(written, { defaultStringType: "QUOTE_DOUBLE", lineWidth: 20 }),
        stringify(written, { defaultStringType: "QUOTE_SINGLE" }),
        stringify(written).replaceAll("\n", "\r\n"),
      ]
      const [first, ...others] = styles.map((text) => {
        const spec = loadSpec(sourceOf({ "spec.yml": text, ...files }))
        return [...spec.images.values()].map((image) => ({ ...image, location: 0 }))
      })
      expect(first?.map((image) => [...image.buildArgs].sort())).toEqual(
        names.map((_, index) => Object.entries(args[index] ?? {}).sort()),
      )
      for (const other of others) expect(other).toEqual(first)
    }),
    runs(300),
  )
})

test("settings of any text", () => {
  const spec = loadSpec(
    sourceOf({
      "spec.yml": JSON.stringify({ images: { a: { image_name: "x/a" } }, tag: { prefix: "2026.4" } }),
      ...dockerfiles,
    }),
  )
  fc.assert(
    fc.property(
      fc.oneof(
        nastyText,
        fc.tuple(fc.constantFrom("a.", "b.", "a.A=", "a.__proto__="), nastyText).map(([a, b]) => a + b),
      ),
      (text) => {
        try {
          const [[image, args] = ["", new Map<string, string>()]] = [...parseSettings(spec, [text])]
          const [[key, value] = ["", ""]] = [...args]
          expect(`${image}.${key}=${value}`).toBe(text)
        } catch (error) {
          expect(error).toBeInstanceOf(InputError)
        }
      },
    ),
    runs(1000),
  )
})

test("sizes and times are whole numbers above zero, or none", () => {
  const text = fc.oneof(
    nastyText,
    fc
      .tuple(
        fc.constantFrom("0", "1", "1.5", "1e3", "-1", "9".repeat(400)),
        fc.constantFrom("", " B", "GB", " s", "h", "constructor"),
      )
      .map((parts) => parts.join("")),
  )
  fc.assert(
    fc.property(fc.oneof(text, fc.double()), (written) => {
      for (const value of [parseSize(written), parseDuration(written)]) {
        if (value !== undefined) expect(Number.isInteger(value) && value > 0).toBe(true)
      }
    }),
    runs(1000),
  )
})
