import type { Directory } from "@dagger.io/dagger"
import { directoryOf } from "../engine/textFiles.js"
import { planMarkdown, summary } from "../plan/markdown.js"
import type { Plan } from "../plan/planDocument.js"
import { readPlan } from "../plan/planDocument.js"
import type { Screen } from "../text/screen.js"
import { plainScreen } from "../text/screen.js"
import { markdownForTerminal } from "../text/terminalMarkdown.js"
import { printResult, withScreen } from "./screenFiles.js"

/** A plan as a function gives it. */
export interface ShownPlan {
  readonly markdown: string
  readonly json: string
  /** plan.json and plan.md, with what `./stack` shows of them. */
  readonly files: Directory
}

/**
 * A plan in its forms, printed as well: what `sync` prints is not shown by the CLI.
 * @param screen what `./stack` says of where it shows the plan
 */
export async function shownPlan(plan: Plan, screen: Screen | undefined): Promise<ShownPlan> {
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
  return { markdown, json, files: text ? await withScreen(files, { text, ok: true }) : files }
}

/** What a plain terminal shows of a plan document. */
export function plainPlanPage(json: string): string {
  return page(readPlan(json), plainScreen)
}

/** The end is what a terminal shows: the table stands there, below its reasons. */
function page(plan: Plan, screen: Screen): string {
  const [table = "", reasons = ""] = planMarkdown(plan).split("\n## Reasons\n")
  return markdownForTerminal([reasons, table, summary(plan)].join("\n"), screen)
}
