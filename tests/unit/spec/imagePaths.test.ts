import { describe, expect, test } from "vitest"
import { InputError } from "../../../dagger/lib/problems.js"
import { patternsOutside } from "../../../dagger/lib/spec/imagePaths.js"
import { loadSpec } from "../../../dagger/lib/spec/loadSpec.js"
import type { Files } from "../../support/source.js"
import { sourceOf } from "../../support/source.js"

const files: Files = {
  "images/a/Dockerfile": "FROM debian",
  "images/a/cuda/Dockerfile": "FROM debian",
  "images/file": "",
  "images/link": { symlink: "a" },
  "docker/a.Dockerfile": "FROM debian",
  "docker/link": { symlink: "a.Dockerfile" },
}

function specOf(keys: string): string {
  return `images:\n  a:\n    image_name: ghcr.io/x/a\n    ${keys}\ntag: {prefix: 2026.4}\n`
}

function pathsOf(keys: string) {
  const image = loadSpec(sourceOf({ "spec.yml": specOf(keys), ...files })).images.get("a")
  return [image?.directory, image?.dockerfile, image?.context]
}

function mistakes(keys: string): readonly string[] {
  try {
    pathsOf(keys)
    return ["accepted"]
  } catch (error) {
    expect(error).toBeInstanceOf(InputError)
    return (error as InputError).message.split("\n")
  }
}

describe("where an image's files are", () => {
  test.each([
    ["by its name", "prune: true", ["images/a", "images/a/Dockerfile", "images/a"]],
    [
      "in another folder",
      "directory: ./images/a/cuda/",
      ["images/a/cuda", "images/a/cuda/Dockerfile", "images/a/cuda"],
    ],
    [
      "a Dockerfile elsewhere",
      "dockerfile: docker/a.Dockerfile",
      ["images/a", "docker/a.Dockerfile", "images/a"],
    ],
    ["a context elsewhere", "context: docker", ["images/a", "images/a/Dockerfile", "docker"]],
    ["the whole source", "context: .", ["images/a", "images/a/Dockerfile", "."]],
  ])("%s", (_, keys, expected) => {
    expect(pathsOf(keys)).toEqual(expected)
  })
})

describe("mistakes", () => {
  const rooted = "is a path from the root of the source, and"
  test.each([
    [
      "directory: docker",
      'spec.yml:4:16: "directory" must be below images/, not "docker" (tests are looked for below images/; "dockerfile" and "context" may be elsewhere)',
    ],
    [
      "directory: images/tests_common",
      'spec.yml:4:16: "images/tests_common" is the folder of tests that all images share',
    ],
    [
      "directory: images/a/cude",
      'spec.yml:4:16: there is no folder "images/a/cude" (is "images/a/cuda" meant?)',
    ],
    ["context: images/file", 'spec.yml:4:14: "images/file" is a file where a folder is needed'],
    ["context: images/link", 'spec.yml:4:14: "images/link" is a symlink where a folder is needed'],
    [
      "context: /etc",
      `spec.yml:4:14: "context" ${rooted} "/etc" begins with "/" (such as images/pytorch-notebook, or . for the whole source)`,
    ],
    [
      "context: a/../..",
      `spec.yml:4:14: "context" ${rooted} "a/../.." has a ".." (such as images/pytorch-notebook, or . for the whole source)`,
    ],
    [
      "dockerfile: docker/b.Dockerfile",
      'spec.yml:4:17: image "a" has no Dockerfile: there is no "docker/b.Dockerfile" (is "a.Dockerfile" meant?)',
    ],
    ["dockerfile: docker/link", 'spec.yml:4:17: "docker/link" is a symlink where a file is needed'],
  ])("%s", (keys, expected) => {
    const found = mistakes(keys)
    expect(found[0]).toBe(expected)
  })

  test("a path that is no text", () => {
    expect(mistakes("context: [a]")).toEqual([
      'spec.yml:4:14: "context" must be the path of a folder, not a list',
    ])
  })
})

test("what has to be read besides the folder of images", () => {
  expect(patternsOutside(specOf("prune: true"))).toEqual([])
  expect(patternsOutside(specOf("directory: images/a/cuda\n    context: images"))).toEqual([])
  expect(patternsOutside(specOf("context: ."))).toEqual(["**"])
  expect(patternsOutside(specOf("dockerfile: docker/a.Dockerfile\n    context: docker"))).toEqual([
    "docker/a.Dockerfile",
    "docker/a.Dockerfile.dockerignore",
    "docker/**",
  ])
})
