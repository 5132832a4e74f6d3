import type { ServerResponse } from "node:http"
import { afterEach, expect, test } from "vitest"
import { failedStepOutput } from "../../../dagger/lib/engine/buildOutput.js"
import type { EngineSession } from "../../../dagger/lib/engine/telemetry.js"
import type { StandIn } from "../../support/engineTelemetry.js"
import { event, logEvent, spansEvent, standInEngine } from "../../support/engineTelemetry.js"

// The engine's own answers are in tests/e2e/buildStack.test.ts; here are those that it must not give.

let engine: StandIn | undefined

afterEach(() => {
  engine?.stop()
})

/** An engine that answers to each kind of question like this. */
async function engineThat(answer: Parameters<typeof standInEngine>[0]): Promise<EngineSession> {
  engine = await standInEngine(answer)
  return engine.session
}

const words = 'process "/bin/sh -c make" did not complete successfully: exit code: 2'

function step(spanId: string, name: string, message = words, code = "STATUS_CODE_ERROR"): object {
  return { spanId, name, status: { code, message } }
}

/** The last record of a stream. */
function end(spanId: string, stream: string): string {
  const attributes = [
    { key: "stdio.stream", value: { intValue: stream } },
    { key: "stdio.eof", value: { boolValue: true } },
  ]
  return event({ resourceLogs: [{ scopeLogs: [{ logRecords: [{ spanId, attributes }] }] }] })
}

const failedSteps = spansEvent([
  step("other", "[other 2/3] RUN make"),
  step("own", "[leaf 2/3] RUN make"),
  step("span", "leaf: build"),
  step("good", "[leaf 1/3] RUN true", "", "STATUS_CODE_OK"),
])

test("of several steps that failed with the same words, the image's own counts", async () => {
  const session = await engineThat((kind, response) => {
    response.write("id: \nevent: subscribed\ndata\n\n")
    if (kind === "traces") response.write(failedSteps)
    else
      response.write(
        logEvent("other", "not this\n") + logEvent("own", "no rule\n", "2") + logEvent("good", "nor this\n"),
      )
  })
  expect(await failedStepOutput(session, words, "leaf")).toBe("no rule")
})

test("events come in any pieces, letters as well", async () => {
  const session = await engineThat((kind, response) => {
    const bytes = Buffer.from(
      kind === "traces" ? failedSteps : logEvent("own", "é and ü\n") + logEvent("own", "end\n"),
    )
    for (let at = 0; at < bytes.length; at += 7) response.write(bytes.subarray(at, at + 7))
  })
  expect(await failedStepOutput(session, words, "leaf")).toBe("é and ü\nend")
})

test("output ends where both streams do, and may come late beside what others print", async () => {
  const session = await engineThat((kind, response) => {
    if (kind === "traces") {
      response.write(failedSteps)
      return
    }
    const others = setInterval(() => response.write(logEvent("other", "not this\n")), 200)
    response.once("close", () => {
      clearInterval(others)
    })
    response.write(logEvent("own", "begins\n") + end("own", "1"))
    setTimeout(() => response.write(logEvent("own", "late\n", "2") + end("own", "2")), 6000)
  })
  expect(await failedStepOutput(session, words, "leaf")).toBe("begins\nlate")
})

test("a step's failure may be told late", async () => {
  const session = await engineThat((kind, response) => {
    if (kind === "logs") response.write(logEvent("own", "no rule\n") + end("own", "1") + end("own", "2"))
    else {
      const others = setInterval(
        () => response.write(spansEvent([step("x", "[leaf 1/3] RUN true", "", "OK")])),
        200,
      )
      response.once("close", () => {
        clearInterval(others)
      })
      setTimeout(() => response.write(failedSteps), 6000)
    }
  })
  expect(await failedStepOutput(session, words, "leaf")).toBe("no rule")
})

test.each<[string, (kind: string, response: ServerResponse) => void]>([
  ["has no such question", (_, response) => response.writeHead(404).end()],
  ["says nothing", () => undefined],
  ["sends no JSON", (_, response) => response.end("data: <html>\n\n")],
  ["hangs up", (_, response) => response.destroy()],
  [
    "knows no such step",
    (_, response) => response.end(spansEvent([step("x", "[leaf 1/2] RUN x", "other words")])),
  ],
])("an engine that %s takes nothing from the failure, and no time", async (_, answer) => {
  const started = Date.now()
  expect(await failedStepOutput(await engineThat(answer), words, "leaf")).toBeUndefined()
  expect(Date.now() - started).toBeLessThan(12_000)
})

test("without a session nobody is asked", async () => {
  expect(await failedStepOutput(undefined, words, "leaf")).toBeUndefined()
})
