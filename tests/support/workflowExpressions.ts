import { data, Evaluator, Lexer, Parser } from "@actions/expressions"

// Expressions as GitHub's own library reads and evaluates them (`@actions/expressions`), and what the runner adds: what an
// `if` means, and which texts may hold an object.

/** A value of an expression. */
export type Value = null | boolean | number | string | readonly Value[] | { readonly [key: string]: Value }

/** `github`, `vars`, `inputs` and so on, by name. */
export type Contexts = Readonly<Record<string, Value>>

/** How the steps before ended, or all jobs that a job is built on; a skipped job neither succeeded nor failed. */
export interface Status {
  readonly succeeded: boolean
  readonly failed: boolean
}

/** Functions that an `if` may ask; nobody cancels here. */
const statusFunctions = new Map<string, (status: Status) => boolean>([
  ["success", ({ succeeded }) => succeeded],
  ["failure", ({ failed }) => failed],
  ["always", () => true],
  ["cancelled", () => false],
])

/**
 * The text with every `${{ }}` replaced by its value.
 * @throws Error for what GitHub would not take
 */
export function interpolate(text: string, contexts: Contexts): string {
  return text.replaceAll(/\$\{\{(.*?)\}\}/gs, (_, expression: string) =>
    toText(evaluate(expression, contexts)),
  )
}

/** What a text that is one `${{ }}` and nothing else is worth. @throws Error for another text */
export function valueOf(text: string, contexts: Contexts): Value {
  const [, expression] = /^\s*\$\{\{((?:(?!\$\{\{).)*)\}\}\s*$/s.exec(text) ?? []
  if (expression === undefined) throw new Error(`this is no expression: ${text}`)
  return evaluate(expression, contexts)
}

/** Whether a step or job with this `if` runs: without a status function it also needs success so far. */
export function conditionHolds(text: string | undefined, contexts: Contexts, status: Status): boolean {
  if (text === undefined) return status.succeeded
  const expression = text.replace(/^\s*\$\{\{(.*)\}\}\s*$/s, "$1")
  if (expression.includes("${{")) throw new Error(`an "if" that is partly an expression: ${text}`)
  const asksStatus = new Lexer(expression).lex().tokens.some(({ lexeme }) => statusFunctions.has(lexeme))
  if (!asksStatus && !status.succeeded) return false
  return evaluate(`!!(${expression})`, contexts, status) === true
}

/** What an expression, without its `${{ }}`, is worth. @throws Error for what GitHub would not take */
export function evaluate(expression: string, contexts: Contexts, status?: Status): Value {
  try {
    const functions = new Map(
      [...(status === undefined ? [] : statusFunctions)].map(([name, ask]) => {
        const call = () => new data.BooleanData(status !== undefined && ask(status))
        return [name, { name, minArgs: 0, maxArgs: 0, call }] as const
      }),
    )
    const { tokens } = new Lexer(expression).lex()
    const parsed = new Parser(tokens, Object.keys(contexts), [...functions.values()]).parse()
    const known = JSON.parse(JSON.stringify(contexts), data.reviver) as data.Dictionary
    const result = new Evaluator(parsed, known, functions).evaluate()
    return JSON.parse(JSON.stringify(result, data.replacer)) as Value
  } catch (error) {
    throw new Error(`in the expression "${expression.trim()}": ${(error as Error).message}`, { cause: error })
  }
}

function toText(value: Value): string {
  if (value === null) return ""
  if (typeof value === "object") throw new Error("an object or a list where text is wanted")
  return String(value)
}
