import { dag, Directory, func, object } from "@dagger.io/dagger"
import { planMarkdown, summary } from "#lib/plan/markdown.js"
import { readPlan } from "#lib/plan/planDocument.js"
import type { Plan } from "#lib/plan/planDocument.js"
import { plainScreen } from "#lib/text/screen.js"
import type { Screen } from "#lib/text/screen.js"
import { markdownForTerminal } from "#lib/text/terminalMarkdown.js"
import { printResult, showInFront, withScreen } from "#lib/calls/screenFiles.js"
import { directoryOf } from "#lib/engine/textFiles.js"

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
    await showInFront(page(readPlan(this.json), plainScreen))
    return dag.directory().id()
  }
}

/**
 * A plan as a function's result, printed as well: what `sync` prints is not shown by the CLI.
 * @param screen what `./stack` says of where it shows the plan
 */
export async function stackPlan(plan: Plan, screen: Screen | undefined): Promise<StackPlan> {
  const markdown = planMarkdown(plan)
  printResult(markdown)
  const json = JSON.stringify(plan, null, 2)
  const files = await directoryOf(
    new Map([
      ["plan.json", json],
      ["plan.md", markdown],
    ]),
  )
  const text = screen && page(plan, screen)
  return new StackPlan(markdown, json, text ? await withScreen(files, { text, ok: true }) : files)
}

/** The end is what a terminal shows: the table stands there, below its reasons. */
function page(plan: Plan, screen: Screen): string {
  const [table = "", reasons = ""] = planMarkdown(plan).split("\n## Reasons\n")
  return markdownForTerminal([reasons, table, summary(plan)].join("\n"), screen)
}
