import type { AuthenticationType, ConnectConfig, KeyboardInteractiveCallback, Prompt } from "ssh2"
import type { Redact } from "../text/redact.js"
import { redactor } from "../text/redact.js"

/** What the account is entered with; at least one of password and private key. */
export interface Credentials {
  readonly password?: string
  /** PEM or OpenSSH format, without a passphrase. */
  readonly privateKey?: string
}

/** Removes what somebody logs in with. */
export function redactorOf({ password, privateKey }: Credentials): Redact {
  return redactor([password, privateKey])
}

/** Why the host let nobody in, as far as it can be told. */
export interface RefusedCredentials {
  readonly reason: "wrong-password" | "refused-key" | "unanswerable-prompt"
  readonly detail: string
}

/**
 * Logs in with what was given and nothing else: no agent, no files of the user's. The private key goes first; the
 * password is sent once, as a failed attempt may count towards locking the account, and to a keyboard-interactive
 * prompt only if the host takes no plain password and the prompt asks for the current password.
 */
export class Login {
  private readonly tried = new Set<AuthenticationType>()
  private offered: readonly string[] = []
  private strangePrompt: string | undefined

  constructor(private readonly credentials: Credentials) {}

  /** Settings of ssh2 for this login. */
  get settings(): ConnectConfig {
    return {
      ...this.credentials,
      tryKeyboard: this.credentials.password !== undefined,
      authHandler: (left, _partialSuccess, next) => {
        next(this.nextMethod(left))
      },
    }
  }

  /** Answers a keyboard-interactive request. */
  answer(prompts: readonly Prompt[], finish: KeyboardInteractiveCallback): void {
    const { password } = this.credentials
    const [prompt, ...others] = prompts
    if (prompt === undefined) {
      finish([])
      return
    }
    if (
      password !== undefined &&
      others.length === 0 &&
      !this.tried.has("password") &&
      asksForPassword(prompt)
    ) {
      this.tried.add("password")
      finish([password])
      return
    }
    // Asked again for the password, it was wrong; asked for anything else, it would not have been enough.
    if (!prompts.every(asksForPassword))
      this.strangePrompt ??= prompts.map((one) => one.prompt.trim()).join(" / ")
    finish(prompts.map(() => ""))
  }

  /** Why no method was accepted. */
  get refusal(): RefusedCredentials {
    if (this.strangePrompt !== undefined) {
      return { reason: "unanswerable-prompt", detail: `it asks "${this.strangePrompt.slice(0, 200)}"` }
    }
    const detail = `it offers ${this.offered.join(", ") || "no method"}`
    const sentPassword = this.tried.has("password")
    const reason =
      sentPassword || this.credentials.privateKey === undefined ? "wrong-password" : "refused-key"
    return { reason, detail }
  }

  private nextMethod(left: readonly AuthenticationType[] | null): AuthenticationType {
    // The host tells its methods in answer to the method "none".
    if (left === null) return "none"
    this.offered = left
    const method = this.usable().find((one) => left.includes(one) && !this.tried.has(one))
    // ssh2 takes false for "no more"; its types leave that out.
    if (method === undefined) return false as unknown as AuthenticationType
    this.tried.add(method)
    return method
  }

  private usable(): AuthenticationType[] {
    const { password, privateKey } = this.credentials
    const withKey: AuthenticationType[] = privateKey === undefined ? [] : ["publickey"]
    if (password === undefined) return withKey
    return this.tried.has("password") ? withKey : [...withKey, "password", "keyboard-interactive"]
  }
}

/** Whether a prompt wants the account's password: not a new one, an old one or the code of a second factor. */
function asksForPassword({ prompt, echo }: Prompt): boolean {
  if (echo === true) return false
  return (
    /password(?: for [^:]+)?:?\s*$/i.test(prompt) &&
    !/\b(?:new|current|old|again|retype|one-time)\b/i.test(prompt)
  )
}
