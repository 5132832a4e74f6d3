import { expect, test } from "vitest"
import { authorsPlaces } from "../../../dagger/lib/dockerfile/authorsPlaces.js"
import { link } from "../../support/dockerfile.js"

const linked = link({
  base: ["FROM debian", "# c", "RUN echo why >&2; \\", "  exit 3", "USER ${X:?oh}", "RUN true"],
  child: {
    depend_on: "base",
    files: { data: "" },
    dockerfile: [
      "FROM ghcr.io/example/base",
      "COPY data /x",
      "RUN <<EOF",
      'echo "hi"',
      "exit 4",
      "EOF",
      "RUN true",
      'RUN ["sh", "-c", "exit 5"]',
      "RUN cat <<A",
      "b",
      "A",
    ],
  },
})
const lines = linked.dockerfile.split("\n")

// Messages as the engine 0.19.10 wrote them.
test.each([
  [
    'process "/bin/sh -c echo why >&2;   exit 3" did not complete successfully: exit code: 3',
    "base/Dockerfile:3: ",
  ],
  [
    'process "/bin/sh -c echo \\"hi\\"\\nexit 4\\n" did not complete successfully: exit code: 4',
    "child/Dockerfile:3: ",
  ],
  ['process "sh -c exit 5" did not complete successfully: exit code: 5', "child/Dockerfile:8: "],
  [
    'process "/bin/sh -c cat <<A\\nb\\nA" did not complete successfully: exit code: 5',
    "child/Dockerfile:9: ",
  ],
  [
    'process "/bin/sh -c true" did not complete successfully: get user: unable to find user x',
    "base/Dockerfile:6 or images/child/Dockerfile:7: ",
  ],
  ['failed to process "${X:?oh}": X: oh', "base/Dockerfile:5: "],
  [
    'failed to compute cache key: failed to calculate checksum of ref a::b: "/data": not found',
    "child/Dockerfile:2: ",
  ],
])("%s", (message, place) => {
  expect(authorsPlaces(message, linked)).toBe(`images/${place}${message}`)
})

test("a line of the linked file is the author's", () => {
  const line = lines.indexOf('RUN ["sh", "-c", "exit 5"]') + 1
  expect(authorsPlaces(`dockerfile parse error on line ${line}: unknown flag: x`, linked)).toBe(
    "images/child/Dockerfile:8: parse error: unknown flag: x",
  )
})

test.each([
  "no such host",
  'process "/bin/sh -c other" did not complete',
  "dockerfile parse error on line 1: x",
])("%s stays as it is", (message) => {
  expect(authorsPlaces(message, linked)).toBe(message)
})
