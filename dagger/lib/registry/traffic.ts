/** What happens on the wire, told as it happens. Addresses come without secrets. */
export type RegistryEvent =
  | {
      readonly kind: "request"
      readonly method: string
      readonly url: string
      /** Absent when no answer came. */
      readonly status?: number
      readonly milliseconds: number
      /** Bytes of the bodies, both ways. */
      readonly sent: number
      readonly received: number
    }
  | RegistryRetry

/** A request that is going to be tried again. */
export interface RegistryRetry {
  readonly kind: "retry"
  readonly method: string
  readonly url: string
  /** The try that failed, counting from 1. */
  readonly attempt: number
  readonly tries: number
  readonly waitMilliseconds: number
  /** What went wrong, for people. */
  readonly reason: string
}

/** Everything that went over the wire, for a report. */
export interface Traffic {
  readonly requests: number
  /** Bytes of the bodies sent. */
  readonly sent: number
  /** Bytes of the bodies received. */
  readonly received: number
  readonly retries: readonly RegistryRetry[]
}

/** Adds up what a client's observer hears. */
export class TrafficLog {
  private requests = 0
  private sent = 0
  private received = 0
  private readonly retries: RegistryRetry[] = []

  /** To be given to a client as its observer. */
  readonly observe = (event: RegistryEvent): void => {
    if (event.kind === "retry") {
      this.retries.push(event)
      return
    }
    this.requests += 1
    this.sent += event.sent
    this.received += event.received
  }

  /** The sums so far. */
  read(): Traffic {
    const { requests, sent, received, retries } = this
    return { requests, sent, received, retries: [...retries] }
  }
}

/** `3rd try of GET https://...`: one line per retry. */
export function describeRetry({
  method,
  url,
  attempt,
  tries,
  waitMilliseconds,
  reason,
}: RegistryRetry): string {
  const wait =
    waitMilliseconds < 1000 ? `${waitMilliseconds} ms` : `${(waitMilliseconds / 1000).toFixed(1)} s`
  return `${method} ${url}: try ${attempt} of ${tries} failed (${reason}); again after ${wait}`
}
