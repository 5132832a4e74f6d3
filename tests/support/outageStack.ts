import { expect } from "vitest"
import type { EnginePlace } from "./enginePlace.js"
import { sharedEngine } from "./enginePlace.js"
import type { FaultRule } from "./faultProxy.js"
import type { ByImage, FixtureRun } from "./fixtureStacks.js"
import { FixtureStack } from "./fixtureStacks.js"
import type { Ended, RunningProgram } from "./stack.js"

/** The tag of the stack's branch. */
export const workTag = "2026.4-work"

const dockerfiles = {
  base: "FROM debian:bookworm-slim\n",
  // What does not compress takes a moment to push.
  child: "FROM ghcr.io/example/base:latest\nRUN head -c 20000000 /dev/urandom > /child\n",
}

/** A call that ended, and how long it took. */
export interface TimedEnd extends Ended {
  readonly seconds: number
}

/** Two images without tests that build in a second, published under `workTag`: what outages happen to. */
export class OutageStack {
  private generation = 0
  private before: ByImage<string> = {}

  private constructor(readonly stack: FixtureStack) {}

  static async start(engine: EnginePlace = sharedEngine): Promise<OutageStack> {
    const images = {
      base: { files: { Dockerfile: dockerfiles.base } },
      child: { depend_on: "base", files: { Dockerfile: dockerfiles.child } },
    }
    const stack = await FixtureStack.start(images, {}, engine)
    await stack.git("checkout", "--quiet", "-b", "work")
    await stack.publish()
    return new OutageStack(stack)
  }

  stop(): Promise<void> {
    return this.stack.stop()
  }

  /** Digests under the branch's tag. */
  async digests(): Promise<ByImage<string>> {
    const [base, child] = await Promise.all(
      ["base", "child"].map((name) => this.stack.manifest(name, workTag)),
    )
    return { base: base?.digest ?? "", child: child?.digest ?? "" }
  }

  /** Changes both images, so that the next run has to build and to push both. */
  async change(line = ""): Promise<void> {
    this.generation += 1
    this.before = await this.digests()
    const base = `${dockerfiles.base}RUN echo ${this.generation} > /generation\n${line}\n`
    await this.stack.commit({ "images/base/Dockerfile": base })
  }

  /** Starts a run that publishes, and meets a rule at the registry. */
  begin(rule?: FaultRule): RunningProgram {
    this.stack.front.reset()
    if (rule !== undefined) this.stack.front.add({ times: 1, ...rule })
    return this.stack.begin("build-stack", "--source=.", ...this.stack.publishing())
  }

  /** The outage left every tag where it was. */
  async expectUntouched(): Promise<void> {
    expect(await this.digests()).toEqual(this.before)
  }

  /** The same command again goes through: the tags are those of one run. */
  async expectRepeated(): Promise<FixtureRun> {
    this.stack.front.reset()
    const run = await this.stack.publish()
    expect(run.ended.stderr).toContain("all good in")
    const published = Object.fromEntries(run.report.images.map(({ name, digest }) => [name, digest]))
    expect(await this.digests()).toEqual(published)
    expect(published).not.toEqual(this.before)
    return run
  }
}

/** Waits for the end of a call. */
export async function timed({ ended }: RunningProgram): Promise<TimedEnd> {
  const startedAt = Date.now()
  return { ...(await ended), seconds: (Date.now() - startedAt) / 1000 }
}

/** A rule that does something when a request comes, and loses that request. */
export function atRequest(method: string, path: RegExp, act: () => unknown, after = 0): FaultRule {
  return {
    method,
    path,
    after,
    fault: {
      kind: "answer",
      answer: (request) => {
        act()
        request.socket.destroy()
      },
    },
  }
}
