import { expect, test } from "vitest"
import { InputError } from "../../../dagger/lib/problems.js"
import { formatReference } from "../../../dagger/lib/reference/reference.js"
import { loadSpec } from "../../../dagger/lib/spec/loadSpec.js"
import { publishedAs } from "../../../dagger/lib/spec/publishedAs.js"
import { stackOf } from "../../support/source.js"

const images = {
  a: { image_name: "ghcr.io/example/a" },
  b: { image_name: "quay.io/one/two/b", depend_on: "a" },
}

test.each<
  readonly [title: string, spec: string | undefined, call: string | undefined, names: readonly string[]]
>([
  ["as written", undefined, undefined, ["ghcr.io/example/a", "quay.io/one/two/b"]],
  ["below the spec's registry", "ghcr.io/fork", undefined, ["ghcr.io/fork/a", "ghcr.io/fork/b"]],
  ["below the call's registry", "ghcr.io/fork", "localhost:5000", ["localhost:5000/a", "localhost:5000/b"]],
])("%s", (_, registry, call, names) => {
  const spec = loadSpec(stackOf(images, { spec: registry === undefined ? {} : { registry } }))
  const published = publishedAs(spec, call)
  expect([...published.keys()]).toEqual(["a", "b"])
  expect([...published.values()].map(formatReference)).toEqual(names)
})

test("a call's registry that would merge two images", () => {
  const same = { a: { image_name: "ghcr.io/one/x" }, b: { image_name: "ghcr.io/two/x" } }
  const spec = loadSpec(stackOf(same))
  expect(() => publishedAs(spec, "localhost:5000")).toThrow(InputError)
  expect(() => publishedAs(spec, "localhost:5000")).toThrow(
    'images "a" and "b": both would be published as "localhost:5000/x"',
  )
})

test.each(["", "UPPER/Case", "host:port/x"])("a call's registry that is none: %j", (registry) => {
  expect(() => publishedAs(loadSpec(stackOf(images)), registry)).toThrow(InputError)
  expect(() => publishedAs(loadSpec(stackOf(images)), registry)).toThrow("--registry: ")
})
