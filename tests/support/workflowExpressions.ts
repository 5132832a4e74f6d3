/**
 * The part of GitHub's expression language that the workflows use, with GitHub's rules for comparing and for what
 * counts as true (docs.github.com: "Evaluate expressions in workflows and actions"). Anything else throws: a stand-in
 * that guesses would pass what GitHub refuses.
 */

/** A value of an expression. */
export type Value = null | boolean | number | string | readonly Value[] | { readonly [key: string]: Value }

/** `github`, `vars`, `inputs` and so on, by name. */
export type Contexts = Readonly<Record<string, Value>>

/** How the steps before ended, or all jobs that a job stands on; a skipped job neither succeeded nor failed. */
export interface Status {
  readonly succeeded: boolean
  readonly failed: boolean
}

type Token = readonly [kind: "string" | "number" | "name" | "sign", text: string]

const tokenPattern = /\s*(?:'((?:[^']|'')*)'|(\d+(?:\.\d+)?)|([A-Za-z_][\w-]*)|(&&|\|\||==|!=|[!().,[\]]))/y
const statusFunctions = new Set(["success", "failure", "always", "cancelled"])

/**
 * The text with every `${{ }}` replaced by its value.
 * @throws Error for what GitHub would not take, or what this stand-in does not know
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
  const asksStatus = tokensOf(expression).some(([kind, name]) => kind === "name" && statusFunctions.has(name))
  if (!asksStatus && !status.succeeded) return false
  return isTrue(evaluate(expression, contexts, status))
}

/** What an expression, without its `${{ }}`, is worth. */
export function evaluate(expression: string, contexts: Contexts, status?: Status): Value {
  const parser = new Parser(tokensOf(expression), contexts, status)
  try {
    return parser.whole()
  } catch (error) {
    throw new Error(`in the expression "${expression.trim()}": ${(error as Error).message}`, { cause: error })
  }
}

function tokensOf(expression: string): readonly Token[] {
  const tokens: Token[] = []
  const text = expression.trimEnd()
  tokenPattern.lastIndex = 0
  while (tokenPattern.lastIndex < text.length) {
    const at = tokenPattern.lastIndex
    const found = tokenPattern.exec(text)
    if (found === null) throw new Error(`not understood in an expression: ${text.slice(at)}`)
    const [, string, number, name, sign] = found
    if (string !== undefined) tokens.push(["string", string.replaceAll("''", "'")])
    else if (number !== undefined) tokens.push(["number", number])
    else if (name !== undefined) tokens.push(["name", name])
    else tokens.push(["sign", sign ?? ""])
  }
  return tokens
}

/** Evaluates while it reads; both sides of && and || are evaluated, which only shows more mistakes. */
class Parser {
  private next = 0

  constructor(
    private readonly tokens: readonly Token[],
    private readonly contexts: Contexts,
    private readonly status: Status | undefined,
  ) {}

  whole(): Value {
    const value = this.or()
    const rest = this.tokens[this.next]
    if (rest !== undefined) throw new Error(`"${rest[1]}" was not expected`)
    return value
  }

  private or(): Value {
    let left = this.and()
    while (this.take("||")) {
      const right = this.and()
      left = isTrue(left) ? left : right
    }
    return left
  }

  private and(): Value {
    let left = this.equality()
    while (this.take("&&")) {
      const right = this.equality()
      left = isTrue(left) ? right : left
    }
    return left
  }

  private equality(): Value {
    const left = this.unary()
    if (this.take("==")) return areEqual(left, this.unary())
    if (this.take("!=")) return !areEqual(left, this.unary())
    return left
  }

  private unary(): Value {
    return this.take("!") ? !isTrue(this.unary()) : this.primary()
  }

  private primary(): Value {
    if (this.take("(")) {
      const value = this.or()
      this.expect(")")
      return value
    }
    const [kind, text] = this.tokens[this.next++] ?? ["sign", "the end"]
    if (kind === "string") return text
    if (kind === "number") return Number(text)
    if (kind === "sign") throw new Error(`"${text}" was not expected`)
    if (text === "true" || text === "false") return text === "true"
    if (text === "null") return null
    return this.take("(") ? this.call(text) : this.properties(text)
  }

  private call(name: string): Value {
    const values: Value[] = []
    while (!this.take(")")) {
      if (values.length > 0) this.expect(",")
      values.push(this.or())
    }
    return callFunction(name, values, this.status)
  }

  private properties(name: string): Value {
    const context = this.contexts[name]
    if (context === undefined) throw new Error(`no context "${name}" here`)
    let value: Value = context
    for (;;) {
      if (this.take(".")) {
        const [kind, key] = this.tokens[this.next++] ?? ["sign", "the end"]
        if (kind !== "name") throw new Error(`"${key}" was not expected`)
        value = propertyOf(value, key)
      } else if (this.take("[")) {
        value = propertyOf(value, toText(this.or()))
        this.expect("]")
      } else return value
    }
  }

  private take(sign: string): boolean {
    const [kind, text] = this.tokens[this.next] ?? []
    if (kind !== "sign" || text !== sign) return false
    this.next += 1
    return true
  }

  private expect(sign: string): void {
    if (!this.take(sign)) throw new Error(`"${sign}" was expected`)
  }
}

function callFunction(name: string, values: readonly Value[], status: Status | undefined): Value {
  if (statusFunctions.has(name)) {
    if (status === undefined) throw new Error(`${name}() works in an "if" only`)
    return (
      name === "always" || (name === "failure" && status.failed) || (name === "success" && status.succeeded)
    )
  }
  const [first = null, second = null] = values
  switch (name) {
    case "contains":
      if (Array.isArray(first)) return first.some((item) => areEqual(item as Value, second))
      return toText(first).toLowerCase().includes(toText(second).toLowerCase())
    case "startsWith":
      return toText(first).toLowerCase().startsWith(toText(second).toLowerCase())
    case "format":
      return toText(first).replaceAll(/\{(\d+)\}/g, (_, index: string) =>
        toText(values[Number(index) + 1] ?? null),
      )
    case "fromJSON":
      return JSON.parse(toText(first)) as Value
    default:
      throw new Error(`the function ${name}() is not known here`)
  }
}

/** Names of properties do not care about case; what is not there is null. */
function propertyOf(value: Value, key: string): Value {
  if (value === null || typeof value !== "object") return null
  const entry = Object.entries(value).find(([name]) => name.toLowerCase() === key.toLowerCase())
  return entry?.[1] ?? null
}

function isTrue(value: Value): boolean {
  return value !== null && value !== false && value !== 0 && value !== ""
}

/** Text without regard to case; values of different types as numbers. */
function areEqual(left: Value, right: Value): boolean {
  if (typeof left === "string" && typeof right === "string") return left.toLowerCase() === right.toLowerCase()
  if (typeof left === typeof right && (left === null) === (right === null)) return left === right
  return toNumber(left) === toNumber(right)
}

function toNumber(value: Value): number {
  if (value === null) return 0
  if (typeof value === "object") return Number.NaN
  return Number(value)
}

function toText(value: Value): string {
  if (value === null) return ""
  if (typeof value === "object") throw new Error("an object or a list where text is wanted")
  return String(value)
}
