import { describe, expect, test } from "vitest"
import { withBuildersName } from "../../../dagger/lib/run/buildImage.js"

describe("the builder's arguments", () => {
  test.each([
    ["none", {}, undefined, { NO_PROXY: "left.invalid" }],
    [
      "proxies that the call names",
      { HTTP_PROXY: "http://p:3128" },
      undefined,
      { HTTP_PROXY: "http://p:3128", NO_PROXY: "left.invalid" },
    ],
    [
      "hosts that go without, of the call",
      { no_proxy: "a,b" },
      "engine.example",
      { NO_PROXY: "a,b,left.invalid" },
    ],
    ["those of the engine", {}, "engine.example", { NO_PROXY: "engine.example,left.invalid" }],
    ["an empty list of the call", { NO_PROXY: "" }, "engine.example", { NO_PROXY: "left.invalid" }],
  ] as const)("have a word for the image: %s", (_, args, engines, expected) => {
    expect(Object.fromEntries(withBuildersName(new Map(Object.entries(args)), "left", engines))).toEqual(
      expected,
    )
  })
})
