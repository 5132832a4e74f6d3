import { expect, it } from "vitest"
import { requireSecrets, secretNotices } from "../../../dagger/lib/dockerfile/secrets.js"
import { InputError } from "../../../dagger/lib/problems.js"
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

it("an ssh agent has to be given, and mounted, as a secret has", () => {
  const [needs, may] = link({
    needs: ["FROM debian", "RUN --mount=type=ssh,required=true --mount=type=secret,id=may true"],
    may: ["FROM debian", "RUN --mount=type=ssh,id=default,uid=1000 true"],
  }).images.values()
  if (needs === undefined || may === undefined) throw new Error("not linked")
  const missing = `no ssh agent is given (--ssh="$SSH_AUTH_SOCK", with an agent that has the key)`
  expect(problems([], [needs])).toBe(`images/needs/Dockerfile:2:1: ${missing}`)
  expect(problems(["ssh:default"], [needs, may])).toBe("")
  expect(problems(["must", "ssh:default"])).toBe("--ssh: no image mounts an ssh agent")
  expect(secretNotices(new Set(), needs)).toEqual([
    expect.stringContaining('the secret "may" is not given'),
    expect.stringContaining("no ssh agent is given"),
  ])
  expect(secretNotices(new Set(["ssh:default"]), may)).toEqual([])
})

it("an ssh agent is called what the builder knows it by, and nothing else in the key", () => {
  const images = {
    a: ["FROM debian", "RUN --mount=type=ssh,id=default,required --mount=target=/c,type=bind true"],
  }
  const named = link(images, { agent: "xxh3:1234" })
  expect(named.dockerfile).toContain("--mount=type=ssh,required,id=xxh3:1234 ")
  expect(link(images).dockerfile).toContain("--mount=type=ssh,required,id=default ")
  expect(named.images.get("a")?.stages).toBe(link(images).images.get("a")?.stages)
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
