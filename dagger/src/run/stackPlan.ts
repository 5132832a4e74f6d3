import { dag, Directory, func, object } from "@dagger.io/dagger"
import { planMarkdown, summary } from "../plan/markdown.js"
import { readPlan } from "../plan/planDocument.js"
import { markdownForTerminal } from "../text/terminalMarkdown.js"
import { withScreen } from "./screenFiles.js"
import { directoryOf } from "./textFiles.js"

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
    const page = markdownForTerminal(planMarkdown(plan), { columns, colour })
    const closing = markdownForTerminal(summary(plan), { columns, colour })
    return withScreen(files, { text: `${page}\n${closing}`, ok: true })
  }

  /** Nothing more than the plan; the CLI calls it by itself, and wants the id of an object. */
  @func({ cache: "never" })
  sync(): Promise<string> {
    return dag.directory().id()
  }
}
