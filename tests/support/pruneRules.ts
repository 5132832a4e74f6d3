import type { PruneRules } from "../../dagger/lib/prune/prunePlan.js"
import { quarterScheme } from "./tagScheme.js"

/** Rules by which what is a day old on 27 November 2026 may go, unless the branch `main` has it. */
export const pruneRules: PruneRules = {
  scheme: quarterScheme,
  furtherTags: new Map(),
  branches: ["main"],
  keep: [],
  olderThanSeconds: 86_400,
  now: Date.parse("2026-11-27T00:00:00Z"),
}
