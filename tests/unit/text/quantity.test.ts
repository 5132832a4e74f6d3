import { expect, test } from "vitest"
import { parseDuration, parseSize } from "../../../dagger/lib/text/quantity.js"

test.each([
  ["12 GB", 12e9],
  ["1.5GiB", 1_610_612_736],
  [" 7 kB ", 7000],
  ["1 KiB", 1024],
  [4096, 4096],
  ["0 GB", undefined],
  ["0.1 B", undefined],
  ["-1 GB", undefined],
  ["12", undefined],
  ["12 gb", undefined],
  ["GB", undefined],
  [Infinity, undefined],
  [NaN, undefined],
])("size %j is %j", (written, bytes) => {
  expect(parseSize(written)).toBe(bytes)
})

test.each([
  ["90 s", 90],
  ["20 min", 1200],
  ["1.5h", 5400],
  [30, 30],
  [0, undefined],
  ["5 m", undefined],
  ["", undefined],
])("duration %j is %j", (written, seconds) => {
  expect(parseDuration(written)).toBe(seconds)
})
