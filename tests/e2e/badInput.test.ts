import { expect, test } from "vitest"
import type { Files } from "../support/source.js"
import { stackFiles } from "../support/source.js"
import { removeFolder, stack, workspace } from "../support/stack.js"

// What a person sees who made a mistake: the unit tests hold every message, these that it comes through engine and CLI.

const tree = { base: {}, leaf: { depend_on: "base" } }
const good = stackFiles(tree)

/** The files of the stack with other ones, or without those that are undefined. */
function withFiles(changes: Readonly<Record<string, string | undefined>>): Files {
  const files = Object.entries({ ...good, ...changes })
  return Object.fromEntries(files.flatMap(([path, text]) => (text === undefined ? [] : [[path, text]])))
}

/** The stack with another spec. */
function withSpec(spec: Readonly<Record<string, unknown>>): Files {
  return stackFiles(tree, { spec })
}

const image = (name: string, keys: object = {}) => ({ image_name: `ghcr.io/example/${name}`, ...keys })

const mistakes: readonly (readonly [what: string, files: Files, options: readonly string[], said: string])[] =
  [
    [
      "no spec",
      withFiles({ "spec.yml": undefined }),
      [],
      'spec.yml:1:1: there is no spec: neither "spec.yml" nor "images/spec.yml" exists',
    ],
    [
      "a YAML syntax error",
      withFiles({ "spec.yml": "images:\n  base: {image_name: x\ntag: 1\n" }),
      [],
      "spec.yml:3:1: not valid YAML: ",
    ],
    [
      "an unknown key",
      withSpec({ imagse: {} }),
      [],
      'spec.yml:20:3: unknown key "imagse" (did you mean "images"?)',
    ],
    [
      "an unknown parent",
      withSpec({ images: { base: image("base"), leaf: image("leaf", { depend_on: "bsae" }) } }),
      [],
      'spec.yml:8:20: "depend_on" names "bsae", which is no image here (did you mean "base"?)',
    ],
    [
      "a cycle",
      withSpec({
        images: { base: image("base", { depend_on: "leaf" }), leaf: image("leaf", { depend_on: "base" }) },
      }),
      [],
      "spec.yml:5:20: images depend on each other: base -> leaf -> base",
    ],
    [
      "one repository for two images",
      withSpec({ images: { base: image("base"), leaf: image("base") } }),
      [],
      'spec.yml:7:21: images "base" and "leaf": both are published as "ghcr.io/example/base"',
    ],
    [
      "a missing Dockerfile",
      withFiles({ "images/leaf/Dockerfile": undefined, "images/leaf/x": "" }),
      [],
      'spec.yml:6:5: image "leaf" has no Dockerfile: there is no "images/leaf/Dockerfile"',
    ],
    [
      "a bad prefix",
      withSpec({ tag: { prefix: "2026-4" } }),
      [],
      'spec.yml:12:15: "prefix" must be <year>.<quarter>, not "2026-4"',
    ],
    [
      "what cannot be linked",
      withFiles({
        "images/leaf/Dockerfile": "FROM ghcr.io/example/base\nCOPY a b\nCPOY a b\n",
      }),
      [],
      'images/leaf/Dockerfile:3:1: unknown instruction "CPOY" (did you mean "COPY"?)',
    ],
    [
      "--only of an unknown image",
      good,
      ["--only=laef"],
      '--only: there is no image "laef" (did you mean "leaf"?)',
    ],
    [
      "--set of an unknown image",
      good,
      ["--set=laef.X=1"],
      '--set: there is no image "laef" (did you mean "leaf"?)',
    ],
    [
      "the branch stable",
      good,
      ["--branch=stable"],
      '--branch: the branch "stable" would be tagged like the stable images',
    ],
    [
      "a plan to repeat, and what would decide another one",
      withFiles({ "plan.json": "{}" }),
      ["--plan=plan.json", "--only=leaf", "--branch=dev"],
      [
        "--only: a repeated plan has decided that already (leave it out, or leave --plan out)",
        "--branch: a repeated plan has decided that already (leave it out, or leave --plan out)",
      ].join("\n"),
    ],
    [
      "a plan to repeat that is none",
      withFiles({ "plan.json": "{" }),
      ["--plan=plan.json"],
      "--plan: this is no plan: it is not JSON",
    ],
    [
      "candidates that may not be pushed",
      good,
      ["--candidates-only"],
      "--candidates-only: candidates are pushed, and nothing may be (add --publish)",
    ],
    [
      "candidates that are tagged all the same",
      good,
      ["--candidates-only", "--publish", "--publish-each"],
      "--candidates-only: no tag moves with it, and --publish-each moves them (leave one out)",
    ],
    [
      "no step at once",
      good,
      ["--parallel=0"],
      "--parallel: 0 is not accepted (a whole number from 1 to 1000)",
    ],
    [
      "a comma in a setting",
      good,
      ["--set=leaf.X=a,b"],
      '--set: "b" is not a build argument (accepted: "image.ARG=value"',
    ],
    [
      "a login without the place that it is for",
      good,
      ["--registry-username=me", "--registry-password=env://HOME"],
      "--registry-password: a secret goes only where the call says, whatever a source names (add --registry=...)",
    ],
    [
      "half a login",
      good,
      ["--registry-username=me"],
      "--registry-password: a login has a user name and a password",
    ],
  ]

test.concurrent.each(mistakes)("%s", async (_, files, options, said) => {
  const folder = await workspace(files)
  const { status, stdout, stderr } = await stack(["build-stack", "--source=.", ...options], { cwd: folder })
  await removeFolder(folder)
  // The last thing that is said, on lines of its own; what the engine adds is an id of its trace.
  const last = stderr.slice(stderr.lastIndexOf("\nError: ")).trim()
  expect(last.replace(/ \[traceparent:[\w-]+\]$/, "")).toContain(`Error: ${said}`)
  expect(last).not.toMatch(/^\s+at |graphql|undefined|input:/im)
  expect(last.split("\n").length).toBeLessThan(4)
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" })
})
