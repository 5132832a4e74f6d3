import { func, object } from "@dagger.io/dagger"
import { planMarkdown } from "../plan/markdown.js"
import { readPlan } from "../plan/planDocument.js"
import { printed } from "./printed.js"

/** What a run would do for each image, and why. */
@object()
export class StackPlan {
  document: string

  constructor(document: string) {
    this.document = document
  }

  /** The plan as a table with its reasons, for reading. */
  @func()
  markdown(): string {
    return planMarkdown(readPlan(this.document))
  }

  /** The plan as a versioned JSON document: what "build-stack --plan" repeats. */
  @func()
  json(): string {
    return this.document
  }

  /** Prints the plan. The CLI calls it by itself. */
  @func({ cache: "never" })
  sync(): Promise<string> {
    return printed(this.markdown())
  }
}
