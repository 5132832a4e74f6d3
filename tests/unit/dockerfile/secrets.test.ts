import { expect, it } from "vitest"
import { requireSecrets, secretNotices } from "../../../dagger/src/dockerfile/secrets.js"
import { InputError } from "../../../dagger/src/problems.js"
import { link } from "../../support/dockerfile.js"

const images = [
  ...link({
    a: ["FROM debian", "RUN --mount=type=secret,id=must,required=true --mount=type=secret,id=may true"],
    b: ["FROM debian", "RUN --mount=type=secret,id=other true"],
  }).images.values(),
]

function problems(given: readonly string[], built = images): string {
  try {
    requireSecrets(new Set(given), built, () => images)
    return ""
  } catch (error) {
    return error instanceof InputError ? error.message : String(error)
  }
}

it("have to be given where a build needs them", () => {
  expect(problems([])).toBe(
    'images/a/Dockerfile:2:1: the secret "must" is not given (--secret-id=must --secret=env://NAME, with the secret in the variable NAME)',
  )
  expect(problems(["must"])).toBe("")
  expect(problems([], images.slice(1))).toBe("")
})

it("have to be mounted somewhere", () => {
  expect(problems(["must", "otehr"])).toBe(
    '--secret-id: no image mounts a secret "otehr" (did you mean "other"?)',
  )
  expect(problems(["must", "may", "other"])).toBe("")
})

it("are noticed where a build does without", () => {
  expect(images.map((image) => secretNotices(new Set(["must"]), image))).toEqual([
    [expect.stringContaining('images/a/Dockerfile:2:1: the secret "may" is not given')],
    [expect.stringContaining('images/b/Dockerfile:2:1: the secret "other" is not given')],
  ])
})
