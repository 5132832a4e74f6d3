import { describe, expect, it } from "vitest"
import { conditionHolds, evaluate, interpolate } from "../../support/workflowExpressions.js"

const contexts = {
  github: {
    event_name: "push",
    ref: "refs/heads/main",
    head_ref: "",
    event: { number: 7, head_commit: { message: "Skip CI, please" }, repository: { fork: false } },
  },
  vars: { STACK_REGISTRY: "" },
  inputs: { dryRun: true },
}

// Values that GitHub gives for the same expressions, from its documentation of operators and functions.
const values: readonly (readonly [expression: string, value: unknown])[] = [
  ["github.event_name", "push"],
  ["github['event_name']", "push"],
  ["github.EVENT_NAME", "push"],
  ["github.event.pull_request.title", null],
  ["vars.MISSING", null],
  ["'it''s'", "it's"],
  ["github.head_ref || github.event_name", "push"],
  ["github.head_ref && github.event_name", ""],
  ["github.event.number && 'yes' || 'no'", "yes"],
  ["false || null", null],
  ["!github.head_ref", true],
  ["github.event_name == 'PUSH'", true],
  ["github.event_name != 'pull_request' && (!github.event.repository.fork || vars.X != '')", true],
  ["null == ''", true],
  ["true == 1", true],
  ["'a' == 0", false],
  ["vars.STACK_REGISTRY != ''", false],
  ["contains(github.event.head_commit.message, 'skip ci')", true],
  ["contains(github.event.pull_request.title, 'skip ci')", false],
  ["startsWith(github.ref, 'refs/heads/')", true],
  ["fromJSON('[\"base\", 7]')", ["base", 7]],
  ["format('pull-{0}-{1}', github.event.number, inputs.dryRun)", "pull-7-true"],
]

describe("expressions", () => {
  it.each(values)("%s is %j", (expression, value) => {
    expect(evaluate(expression, contexts)).toEqual(value)
  })

  it.each([
    ["git.ref", /Unrecognized named-value: 'git'/],
    ["github.ref ==", /Unexpected end of expression/],
    ["github.ref, 1", /Unexpected symbol: ','/],
    ["toJSONs(github)", /Unrecognized function: 'toJSONs'/],
    ["fromJSON('[')", /in the expression "fromJSON/],
    ["success()", /Unrecognized function: 'success'/],
    ["a & b", /Unexpected symbol: '&'/],
    ["(true", /Unexpected end of expression/],
  ])("%s is refused", (expression, message) => {
    expect(() => evaluate(expression, contexts)).toThrow(message)
  })

  it("know what GitHub's own reader knows", () => {
    expect(evaluate("join(fromJSON('[1, 2]'), '-')", contexts)).toBe("1-2")
    expect(evaluate("github.event.*.fork", contexts)).toEqual([false])
    expect(evaluate("github.event.number > 6", contexts)).toBe(true)
  })

  it("stand within text", () => {
    expect(interpolate("${{ github.event_name }}-${{ github.event.number }}!", contexts)).toBe("push-7!")
  })

  it("are empty where there is nothing, and never an object", () => {
    expect(interpolate("[${{ github.event.before }}]", contexts)).toBe("[]")
    expect(() => interpolate("${{ github.event }}", contexts)).toThrow(/an object or a list/)
  })
})

describe("an if", () => {
  const good = { succeeded: true, failed: false }
  const bad = { succeeded: false, failed: true }
  const skipped = { succeeded: false, failed: false }

  it.each([
    [undefined, good, true],
    [undefined, bad, false],
    ["github.event_name == 'push'", good, true],
    ["github.event_name == 'push'", bad, false],
    ["${{ github.event_name == 'push' }}", good, true],
    ["always()", bad, true],
    ["failure() && inputs.dryRun", bad, true],
    ["failure()", good, false],
    ["!cancelled()", bad, true],
    ["success() || inputs.dryRun", bad, true],
    [undefined, skipped, false],
    ["github.event_name == 'push'", skipped, false],
    ["success()", skipped, false],
    ["!cancelled() && !failure()", skipped, true],
    ["!cancelled() && !failure()", bad, false],
  ] as const)("%s after %j: %s", (text, status, runs) => {
    expect(conditionHolds(text, contexts, status)).toBe(runs)
  })

  it("that is partly an expression is refused", () => {
    expect(() => conditionHolds("${{ true }} && false", contexts, good)).toThrow(/partly an expression/)
  })
})
