import { describe, expect, test } from "vitest"
import fc from "../../support/fastCheck.js"
import { inputKey, inputKeys } from "../../../dagger/lib/plan/inputKey.js"
import type { ContextFile, ImageInputs, LinkedInputs } from "../../../dagger/lib/plan/inputKey.js"
import { runs } from "../../support/fuzz.js"

const text = fc.string({ unit: "grapheme", maxLength: 8 })
const files = fc.uniqueArray(
  fc.record({
    path: text,
    kind: fc.constantFrom<ContextFile["kind"]>("file", "symlink"),
    mode: fc.constantFrom(0o644, 0o755, 0o777),
    sha256: text,
  }),
  { maxLength: 4, selector: ({ path }) => path },
)
const inputs: fc.Arbitrary<ImageInputs> = fc.record({
  stages: text,
  contextFiles: files,
  parents: fc.uniqueArray(fc.record({ name: text, inputKey: text }), {
    maxLength: 3,
    selector: ({ name }) => name,
  }),
  bases: fc.uniqueArray(
    fc.record({
      reference: text,
      digest: fc.option(
        text.filter((each) => each !== ""),
        { nil: undefined },
      ),
    }),
    {
      maxLength: 3,
      selector: ({ reference }) => reference,
    },
  ),
  buildAll: files,
  platform: text,
})

/** The inputs as a value in which order says nothing. */
function asSets({ contextFiles, parents, bases, buildAll, ...rest }: ImageInputs) {
  const sets = { contextFiles: new Set(contextFiles), parents: new Set(parents), bases: new Set(bases) }
  return { ...rest, ...sets, buildAll: new Set(buildAll) }
}

test("two keys are equal exactly when the inputs are", () => {
  fc.assert(
    fc.property(inputs, inputs, fc.constantFrom(...keysOf()), (a, other, part) => {
      const b = { ...a, [part]: other[part] }
      let same = true
      try {
        expect(asSets(b)).toEqual(asSets(a))
      } catch {
        same = false
      }
      expect(inputKey(a) === inputKey(b)).toBe(same)
    }),
    runs(500),
  )
})

test("the order in which inputs are found says nothing", () => {
  fc.assert(
    fc.property(inputs, (a) => {
      const reversed = {
        ...a,
        contextFiles: a.contextFiles.toReversed(),
        parents: a.parents.toReversed(),
        bases: a.bases.toReversed(),
        buildAll: a.buildAll.toReversed(),
      }
      expect(inputKey(reversed)).toBe(inputKey(a))
    }),
  )
})

test("a key stays the same over versions of this code: labels in registries hold it", () => {
  const example: ImageInputs = {
    stages: "FROM docker.io/library/debian:13-slim AS base\n",
    contextFiles: [{ path: "images/base/größe.sh", kind: "file", mode: 0o755, sha256: "ab" }],
    parents: [],
    bases: [{ reference: "docker.io/library/debian:13-slim", digest: "sha256:cd" }],
    buildAll: [],
    platform: "linux/amd64",
  }
  expect(inputKey(example)).toMatchInlineSnapshot(
    `"6ffc5a4eb3b944cd9ec31c036e54ce7db0acd8d7a80102c745b72af6ccab9572"`,
  )
})

describe("keys of a stack", () => {
  const file: ContextFile = { path: "images/base/notes.txt", kind: "file", mode: 0o644, sha256: "1" }
  const stack = (changes: Partial<LinkedInputs> = {}): ReadonlyMap<string, LinkedInputs> =>
    new Map([
      [
        "base",
        {
          stages: "FROM debian",
          contextFiles: [file],
          bases: [{ reference: "debian", digest: "1" }],
          parents: [],
          dockerfile: "images/base/Dockerfile",
          ...changes,
        },
      ],
      ["left", { stages: "FROM base", contextFiles: [], bases: [], parents: ["base"] }],
      ["other", { stages: "FROM scratch", contextFiles: [], bases: [], parents: [] }],
    ])
  const options = { platform: "linux/amd64" }
  const changed = (a: ReturnType<typeof inputKeys>, b: ReturnType<typeof inputKeys>): readonly string[] =>
    [...a].flatMap(([name, { inputKey: key }]) => (b.get(name)?.inputKey === key ? [] : [name]))

  test("a changed parent changes its children, and nothing beside", () => {
    expect(changed(inputKeys(stack(), options), inputKeys(stack({ stages: "FROM other" }), options))).toEqual(
      ["base", "left"],
    )
  })

  test("an unknown digest is inherited as unknown", () => {
    const keys = inputKeys(stack({ bases: [{ reference: "debian" }] }), options)
    expect([...keys.values()].map(({ unresolvedBases }) => unresolvedBases)).toEqual([
      ["debian"],
      ["debian"],
      [],
    ])
  })

  test("what ChangeIgnore names has no part in it", () => {
    const ignoring = (path: string) => ({ ...options, isIgnored: (each: string) => each === path })
    const edited = stack({ contextFiles: [{ ...file, sha256: "2" }] })
    expect(changed(inputKeys(stack(), ignoring(file.path)), inputKeys(edited, ignoring(file.path)))).toEqual(
      [],
    )
    const dockerfile = "images/base/Dockerfile"
    const rewritten = stack({ stages: "FROM other" })
    expect(
      changed(inputKeys(stack(), ignoring(dockerfile)), inputKeys(rewritten, ignoring(dockerfile))),
    ).toEqual([])
  })

  test("a child before its parent is a mistake of the caller", () => {
    const turned = new Map([...stack()].toReversed())
    expect(() => inputKeys(turned, options)).toThrow('"base" has to come before "left"')
  })
})

function keysOf(): readonly (keyof ImageInputs)[] {
  return ["stages", "contextFiles", "parents", "bases", "platform"]
}
