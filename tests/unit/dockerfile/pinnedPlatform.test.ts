import { expect, it } from "vitest"
import { linkProblems } from "../../support/dockerfile.js"

const run = { platform: "linux/amd64" }

it.each([
  ["the last stage", ["FROM --platform=linux/arm64 scratch"], "1:6", "linux/arm64"],
  ["an argument", ["ARG P=arm64", "FROM --platform=$P scratch"], "2:6", "arm64"],
  ["a stage below", ["FROM --platform=linux/arm64/v8 scratch AS b", "FROM b"], "1:6", "linux/arm64/v8"],
  ["another system", ["FROM --platform=windows/amd64 scratch"], "1:6", "windows/amd64"],
])("an image that pins another platform than the run's is refused: %s", (_, dockerfile, place, pinned) => {
  expect(linkProblems({ a: dockerfile }, run)).toEqual([
    `images/a/Dockerfile:${place}: this makes a an image for ${pinned}, and the run is for linux/amd64 ` +
      "(leave --platform out, or name the platform of all images in spec.yml)",
  ])
})

it.each([
  ["the same", ["FROM --platform=linux/amd64 scratch"]],
  ["the same in other words", ["FROM --platform=linux/x86_64 scratch AS b", "FROM --platform=amd64 b"]],
  ["the run's own", ["FROM --platform=$BUILDPLATFORM scratch AS b", "FROM --platform=$TARGETPLATFORM b"]],
  [
    "a stage that files are taken from",
    ["FROM --platform=linux/arm64 debian AS b", "FROM scratch", "COPY --from=b /etc /etc"],
  ],
])("what pins no other platform is linked: %s", (_, dockerfile) => {
  expect(linkProblems({ a: dockerfile }, run)).toEqual([])
})
