import { plural } from "../text/format.js"
import { codeCell, codeSpan, plainText, table } from "../text/markdown.js"
import type { LockChange } from "./lockFile.js"

/** What a pull request or a terminal shows of lock files that were made anew: package, from, to, by file. */
export function renderLockChanges(changes: readonly LockChange[]): string {
  if (changes.length === 0) return "# Locks\n\nEvery lock file is what it would be made now.\n"
  const packages = new Set(changes.flatMap((each) => each.changes.map(({ name }) => name))).size
  const head = `# Locks\n\n${plural(packages, "package")} in ${plural(changes.length, "lock file")}.`
  return `${[head, ...changes.map(renderFile)].join("\n\n")}\n`
}

function renderFile({ path, changes }: LockChange): string {
  const heading = `## ${codeSpan(path)}`
  if (changes.length === 0) return `${heading}\n\nThe same versions; hashes or comments differ.`
  const rows = changes.map((change) => [
    plainText(change.name),
    "from" in change ? codeCell(change.from) : "",
    "to" in change ? codeCell(change.to) : "",
  ])
  return `${heading}\n\n${table(["Package", "From", "To"], rows)}`
}
