import { dag, Directory, func, object } from "@dagger.io/dagger"
import { planMarkdown, summary } from "../plan/markdown.js"
import { readPlan } from "../plan/planDocument.js"
import type { Screen } from "../text/screen.js"
import { markdownForTerminal } from "../text/terminalMarkdown.js"
import { showInFront, withScreen } from "./screenFiles.js"
import { directoryOf } from "../engine/textFiles.js"

/** What a run would do for each image, and why. */
@object()
export class StackPlan {
  document: string

  constructor(document: string) {
    this.document = document
  }

  /** The plan as a table with its reasons, for reading. */
  @func({ cache: "never" })
  markdown(): string {
    return planMarkdown(readPlan(this.document))
  }

  /** The plan as a versioned JSON document: what "build-stack --plan" repeats. */
  @func({ cache: "never" })
  json(): string {
    return this.document
  }

  /**
   * The plan as files, with what ./stack shows of it; ./stack calls it by itself.
   * @param columns Width of the terminal; 0 for a file.
   * @param colour Show it in colours.
   */
  @func({ cache: "never" })
  async forScreen(columns = 0, colour = false): Promise<Directory> {
    const plan = readPlan(this.document)
    const files = await directoryOf(
      new Map([
        ["plan.json", this.document],
        ["plan.md", planMarkdown(plan)],
      ]),
    )
    return withScreen(files, { text: this.page({ columns, colour }), ok: true })
  }

  /** Nothing more than the plan; the CLI calls it by itself, and wants the id of an object. */
  @func({ cache: "never" })
  async sync(): Promise<string> {
    await showInFront(this.page({ columns: 0, colour: false }))
    return dag.directory().id()
  }

  /** The end is what a terminal shows: the table stands there, below its reasons. */
  private page(screen: Screen): string {
    const plan = readPlan(this.document)
    const [table = "", reasons = ""] = planMarkdown(plan).split("\n## Reasons\n")
    return markdownForTerminal([reasons, table, summary(plan)].join("\n"), screen)
  }
}
