import { dag, Directory, func, object } from "@dagger.io/dagger"
import { showInFront } from "#lib/calls/screenFiles.js"
import type { Plan } from "#lib/plan/planDocument.js"
import type { Screen } from "#lib/text/screen.js"

/** What a run would do for each image, and why. */
@object()
export class StackPlan {
  // All is data: a function of a result is a process more, seconds on the official SDK.

  /** The plan as a table with its reasons, for reading. */
  @func()
  markdown: string

  /** The plan as a versioned JSON document: what "build-stack --plan" repeats. */
  @func()
  json: string

  /** The plan as files; with what ./stack shows of it, where --screen asks for it. */
  @func()
  shown: Directory

  constructor(markdown: string, json: string, shown: Directory) {
    this.markdown = markdown
    this.json = json
    this.shown = shown
  }

  /** Nothing more than the plan; the CLI calls it by itself, and wants the id of an object. */
  @func({ cache: "never" })
  async sync(): Promise<string> {
    const { plainPlanPage } = await import("#lib/calls/shownPlan.js")
    await showInFront(plainPlanPage(this.json))
    return dag.directory().id()
  }
}

/**
 * A plan as a function's result.
 * @param screen what `./stack` says of where it shows the plan
 */
export async function stackPlan(plan: Plan, screen: Screen | undefined): Promise<StackPlan> {
  const { shownPlan } = await import("#lib/calls/shownPlan.js")
  const { markdown, json, files } = await shownPlan(plan, screen)
  return new StackPlan(markdown, json, files)
}
