import { dag, func, object } from "@dagger.io/dagger"
import { planMarkdown } from "../plan/markdown.js"
import { readPlan } from "../plan/planDocument.js"

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

  /** Nothing more than the plan; the CLI calls it by itself, and wants the id of an object. */
  @func({ cache: "never" })
  sync(): Promise<string> {
    return dag.directory().id()
  }
}
