import type { TagScheme } from "../../dagger/lib/tag/branchTag.js"

/** Tags of the fourth quarter of 2026, as fixtures have them. */
export const quarterScheme: TagScheme = { form: "quarter", prefix: "2026.4", mainBranch: "main", reserved: 0 }
