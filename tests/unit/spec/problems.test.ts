import { expect, test } from "vitest"
import { InputError, atOption, formatProblem } from "../../../dagger/lib/problems.js"

const location = { file: "spec.yml", line: 3, column: 7 }

test.each([
  [{ location, message: "is wrong" }, "spec.yml:3:7: is wrong"],
  [{ location, message: "is wrong", hint: "write it right" }, "spec.yml:3:7: is wrong (write it right)"],
  [{ location: atOption("--only"), message: "is wrong" }, "--only: is wrong"],
])("%j", (problem, text) => {
  expect(formatProblem(problem)).toBe(text)
})

test("an InputError tells all its problems, a line each", () => {
  const error = new InputError([
    { location, message: "one" },
    { location, message: "two" },
  ])
  expect(error.message).toBe("spec.yml:3:7: one\nspec.yml:3:7: two")
})
