import { expect, test } from "vitest"
import fc from "../../support/fastCheck.js"
import { linkStack } from "../../../dagger/lib/dockerfile/link.js"
import { parseInstruction } from "../../../dagger/lib/dockerfile/instruction.js"
import { readDockerfileLines } from "../../../dagger/lib/dockerfile/lines.js"
import { imageStage } from "../../../dagger/lib/dockerfile/stageNames.js"
import { InputError } from "../../../dagger/lib/problems.js"
import { loadSpec } from "../../../dagger/lib/spec/loadSpec.js"
import { expectPlaces, nastyText, piecesOf, runs } from "../../support/fuzz.js"
import { stackOf } from "../../support/source.js"

const pieces = piecesOf(
  ...[
    "\n",
    "\n",
    "\n",
    "\n",
    "\\\n",
    "`\n",
    "\r\n",
    " ",
    "\t",
    "# escape=`\n",
    "# syntax=a/b\n",
    "# c\n",
    "\ufeff",
    "\u0000",
    "\ud800",
    "\u202e",
  ],
  ...[
    "FROM scratch\n",
    "FROM debian AS b\n",
    "FROM ghcr.io/example/a:1\n",
    "FROM b\n",
    "FROM ${X:-scratch}\n",
    "FROM --platform=$TARGETPLATFORM b\n",
  ],
  ...[
    "ARG X=1\n",
    "ARG X\n",
    "ARG __proto__=1 constructor\n",
    "ENV X=$X Y='a b'\n",
    "ENV constructor ${__proto__}\n",
    "ENV old a  b\n",
  ],
  ...[
    "COPY data /x\n",
    "COPY --from=b /x /y\n",
    "COPY --from=0 /x /y\n",
    "COPY --from=constructor /x /y\n",
    'COPY ["data", "/x"]\n',
    "COPY <<E data /x\nhi\nE\n",
  ],
  ...[
    "ADD data /x\n",
    "ADD archive.tgz /x\n",
    "ADD ${X} /x\n",
    "ADD https://example.org/x /x\n",
    "ONBUILD COPY data /x\n",
    "ONBUILD ADD data ../x /y\n",
  ],
  ...[
    "RUN <<E cat\n$X\nE\n",
    "RUN --mount=type=bind,target=/x ls\n",
    "RUN --mount=from=b,target=/x ls\n",
    "RUN --mount='type=bind,\"source=data\",target=/x' ls\n",
  ],
  ...[
    "RUN a \\\n # c\n  && b\n",
    'CMD ["a"]\n',
    'SHELL ["/bin/sh", "-c"]\n',
    "USER 1\n",
    "WORKDIR /x\n",
    "VOLUME /v\n",
    "HEALTHCHECK NONE\n",
    "FRM x\n",
    "$",
    "${",
    "}",
    '"',
    "'",
  ],
)

const dockerfile = fc.oneof(
  pieces,
  fc.tuple(pieces, nastyText, pieces).map((parts) => parts.join("")),
)

/** Parent and child of any text. */
function stack(parent: string, child: string) {
  return stackOf({
    a: { files: { Dockerfile: parent, data: "", "archive.tgz": "" }, build_args: { X: "2" } },
    b: { depend_on: "a", files: { Dockerfile: child, data: "" } },
  })
}

test("any two Dockerfiles are linked, or refused at a place in them", () => {
  fc.assert(
    fc.property(dockerfile, dockerfile, (parent, child) => {
      const tree = stack(`FROM scratch\n${parent}`, `FROM ghcr.io/example/a\n${child}`)
      const spec = loadSpec(tree)
      try {
        linkStack({ spec, tree, images: ["a", "b"] })
      } catch (error) {
        if (!(error instanceof InputError)) throw error
        expectPlaces(error.problems, tree)
      }
    }),
    runs(1500),
  )
})

/** What an instruction does, whatever it names: its keyword, and its heredocs. */
function outline(text: string): readonly string[] {
  const { lines } = readDockerfileLines("Dockerfile", text, [])
  return lines.map((line) => [parseInstruction(line).keyword, ...line.heredocs].join("\n"))
}

test("what was linked reads as it was meant, line by line", () => {
  fc.assert(
    fc.property(dockerfile, (text) => {
      // Triggers act elsewhere than where they stand.
      fc.pre(!text.includes("ONBUILD"))
      const tree = stack(`FROM scratch\n${text}`, "FROM ghcr.io/example/a\n")
      const spec = loadSpec(tree)
      let linked
      try {
        linked = linkStack({ spec, tree, images: ["a"] })
      } catch {
        return
      }
      const stages = linked.images.get("a")?.stages ?? ""
      const ours = outline(stages).filter((each) => !/^(?:FROM|ARG|COPY|ADD)(?:\n|$)/.test(each))
      const theirs = outline(`FROM scratch\n${text}`).filter(
        (each) => !/^(?:FROM|ARG|COPY|ADD)(?:\n|$)/.test(each),
      )
      expect(ours).toEqual(theirs)
      // Linked once more it stays as it is: every line of an instruction leads to one of its own file.
      linked.whole.dockerfile.split("\n").forEach((_, index) => {
        const origin = linked.whole.locate(index + 1)
        if (origin !== undefined)
          expect(origin.line).toBeLessThanOrEqual(`FROM scratch\n${text}`.split("\n").length)
      })
    }),
    runs(1500),
  )
})

test("images of different names have stages of different names", () => {
  const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,12}$/)
  fc.assert(
    fc.property(name, name, (one, other) => {
      expect(imageStage(one)).toMatch(/^[a-z][a-z0-9]*(?:(?:[._]|__|-+)[a-z0-9]+)*$/)
      if (one !== other) expect(imageStage(one)).not.toBe(imageStage(other))
    }),
    runs(2000),
  )
})
