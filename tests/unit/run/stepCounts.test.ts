import type { ServerResponse } from "node:http"
import { afterEach, describe, expect, test } from "vitest"
import { StepCounts } from "../../../dagger/lib/engine/stepCounts.js"
import type { StandIn } from "../../support/engineTelemetry.js"
import { logEvent, spansEvent, standInEngine } from "../../support/engineTelemetry.js"

// What a real engine tells is in tests/e2e/terminal.test.ts.

let engine: StandIn | undefined

afterEach(() => {
  engine?.stop()
})

/** Counts of an engine that answers so to each kind of question. */
async function countsOf(
  answer: (kind: string, response: ServerResponse, after: string) => void,
): Promise<StepCounts> {
  engine = await standInEngine(answer)
  return new StepCounts(engine.session)
}

function child(spanId: string, parentSpanId: string, attributes: readonly object[] = []): object {
  return { spanId, name: spanId, parentSpanId, attributes }
}

const digest = (letter: string) => `sha256:${letter.repeat(64)}`
const registry = "http://registry:5000/v2/team/base"

function request(spanId: string, method: string, url: string, status: number): object {
  return child(spanId, "push", [
    { key: "http.request.method", value: { stringValue: method } },
    { key: "url.full", value: { stringValue: `${registry}/${url}` } },
    { key: "http.response.status_code", value: { intValue: String(status) } },
  ])
}

describe("tests", () => {
  test("belong to the step that their container is below, with those of other users", async () => {
    const counts = await countsOf((kind, response) => {
      if (kind === "traces")
        response.write(
          spansEvent([
            child("exec", "sync"),
            child("sync", "left"),
            child("user", "left"),
            child("x", "right"),
          ]),
        )
      else
        response.write(
          logEvent("exec", "stack: 1 of 40 tests done, 0 failed\nstack: 39 of 40 tests done, 1 failed\n") +
            logEvent("user", "stack: 1 of 2 tests done, 0 failed\n") +
            logEvent("x", "stack: 3 of 4 tests done, 0 failed\n") +
            logEvent("nobody", "stack: 9 of 9 tests done, 0 failed\n"),
        )
    })
    await counts.refresh()
    expect(counts.describe("left")).toBe("40 of 42 done, 1 failed")
    expect(counts.describe("right")).toBe("3 of 4 done")
    expect(counts.describe("base")).toBeUndefined()
  })

  test("are numbers of a line of their own and nothing else", async () => {
    const counts = await countsOf((kind, response) => {
      if (kind === "traces") response.write(spansEvent([child("exec", "left")]))
      else
        response.write(
          logEvent("exec", "x stack: 1 of 2 tests done, 0 failed\n") +
            logEvent("exec", "stack: 1 of \u001b[31m2 tests done, 0 failed\n") +
            logEvent("exec", "stack: 1 of 99999999 tests done, 0 failed\n"),
        )
    })
    await counts.refresh()
    expect(counts.describe("left")).toBeUndefined()
  })

  test("belong to it whatever form the engine gives its ids", async () => {
    const base64 = (id: string) => Buffer.from(id, "hex").toString("base64")
    const step = "7e5b35d0ea4adf2c"
    const exec = base64("0102030405060708")
    const counts = await countsOf((kind, response) => {
      if (kind === "traces") response.end(spansEvent([child(exec, base64(step))]))
      else response.end(logEvent(exec, "stack: 1 of 2 tests done, 0 failed\n"))
    })
    await counts.refresh()
    expect(counts.describe(step)).toBe("1 of 2 done")
  })

  test("go on behind what was read before", async () => {
    const asked: string[] = []
    const counts = await countsOf((kind, response, after) => {
      asked.push(`${kind} ${after}`)
      if (kind === "traces" && after === "") response.write(spansEvent([child("exec", "left")], "7"))
      else if (kind === "traces") response.end()
      if (kind === "logs")
        response.write(logEvent("exec", "stack: 1 of 2 tests done, 0 failed\n", "1", `${after}9`))
    })
    await counts.refresh()
    await counts.refresh()
    expect(asked.toSorted()).toEqual(["logs ", "logs 9", "traces ", "traces 7"])
    expect(counts.describe("left")).toBe("1 of 2 done")
  })
})

describe("a push", () => {
  test("is told by the blobs that were sent, and those that were there", async () => {
    const counts = await countsOf((kind, response) => {
      if (kind !== "traces") response.end()
      else
        response.write(
          spansEvent([
            child("push", "publish"),
            request("1", "HEAD", `blobs/${digest("a")}`, 404),
            request("2", "POST", "blobs/uploads/", 202),
            request("3", "PUT", `blobs/uploads/1?_state=x&digest=${encodeURIComponent(digest("a"))}`, 201),
            request("4", "PUT", `blobs/uploads/1?_state=x&digest=${encodeURIComponent(digest("a"))}`, 201),
            request("5", "HEAD", `blobs/${digest("b")}`, 200),
            request("6", "PUT", `blobs/uploads/2?digest=${digest("c")}`, 500),
            request("7", "PUT", `manifests/2026.4-main`, 201),
          ]),
        )
    })
    await counts.refresh()
    expect(counts.describe("publish")).toBe("1 layer pushed, 1 there already")
    expect(counts.describe("elsewhere")).toBeUndefined()
  })
})

test.each<[string, (kind: string, response: ServerResponse) => void]>([
  ["has no such question", (_, response) => response.writeHead(404).end()],
  ["sends no JSON", (_, response) => response.end("data: <html>\n\n")],
  ["hangs up", (_, response) => response.destroy()],
  [
    "tells of spans in a circle",
    (kind, response) => response.end(kind === "traces" ? spansEvent([child("a", "b"), child("b", "a")]) : ""),
  ],
])("an engine that %s is no failure", async (_, answer) => {
  const counts = await countsOf(answer)
  await counts.refresh()
  expect(counts.describe("left")).toBeUndefined()
})

test("without a session nobody is asked", async () => {
  const counts = new StepCounts(undefined)
  await counts.refresh()
  expect(counts.describe("left")).toBeUndefined()
})
