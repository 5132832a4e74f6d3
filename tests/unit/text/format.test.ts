import { expect, test } from "vitest"
import { formatBytes, formatDuration, listOf, plural, shortDigest } from "../../../dagger/lib/text/format.js"

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.00 kB"],
  [12_345, "12.3 kB"],
  [999_499, "999 kB"],
  [999_950, "1.00 MB"],
  [4_212_000_000, "4.21 GB"],
  [9_996_000_000, "10.0 GB"],
  [123_456_000_000, "123 GB"],
  [5e15, "5000 TB"],
  [-1500, "-1.50 kB"],
])("formatBytes(%d) is %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text)
})

test.each([
  [0, "0 ms"],
  [850, "850 ms"],
  [999.4, "999 ms"],
  [999.6, "1.0 s"],
  [12_400, "12.4 s"],
  [59_949, "59.9 s"],
  [59_960, "1 min 00 s"],
  [185_000, "3 min 05 s"],
  [3_599_400, "59 min 59 s"],
  [3_599_600, "1 h 00 min"],
  [7_620_000, "2 h 07 min"],
])("formatDuration(%d) is %s", (milliseconds, text) => {
  expect(formatDuration(milliseconds)).toBe(text)
})

test("plural", () => {
  expect(plural(1, "image")).toBe("1 image")
  expect(plural(0, "image")).toBe("0 images")
  expect(plural(2, "retry", "retries")).toBe("2 retries")
})

test("shortDigest", () => {
  expect(shortDigest(`sha256:${"0123456789abcdef".repeat(4)}`)).toBe("0123456789ab")
})

test("listOf", () => {
  expect(listOf([])).toBe("")
  expect(listOf(["a"])).toBe("a")
  expect(listOf(["a", "b", "c"])).toBe("a, b and c")
  expect(listOf(["a", "b"], "or")).toBe("a or b")
})
