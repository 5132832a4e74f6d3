import { labels } from "../registry/labels.js"
import type { ImageOutcome } from "../report/report.js"
import { infoKeysOf, resolveTag } from "../tag/furtherTags.js"
import type { CommandAnswer, FurtherTag } from "../tag/furtherTags.js"
import type { BuiltImage, Execution } from "./execution.js"
import type { ImageRecord } from "./record.js"

/** What the commands of `all_info_cmds` printed in an image, as far as this run has asked it. */
export function answersIn({ probes }: Pick<ImageRecord, "probes">): ReadonlyMap<string, CommandAnswer> {
  return new Map(
    [...probes].flatMap(([name, { exitCode, stdout, stderr }]) => {
      if (!name.startsWith(infoProbe(""))) return []
      const failed = `the command ended with status ${exitCode}: ${stderr.trim().slice(0, 200)}`
      const answer: CommandAnswer =
        exitCode === 0 ? { kind: "printed", text: stdout } : { kind: "failed", why: failed }
      return [[name.slice(infoProbe("").length), answer] as const]
    }),
  )
}

/** Name of the probe that runs a command of `all_info_cmds`. */
export function infoProbe(key: string): string {
  return `info:${key}`
}

/**
 * What an image prints for its further tags must be a part of a tag: on every branch, as the main branch is too late to
 * find out.
 */
export function judgeTags(run: Execution, { job, record }: BuiltImage): ImageOutcome | undefined {
  if (record.probes.size === 0) return undefined
  const answers = answersIn(record)
  const problems = job.furtherTags.flatMap((tag) => {
    if (infoKeysOf(tag).length === 0) return []
    const resolved = resolveTag(tag, {
      ...run.tagFacts,
      commit: run.tagFacts.commit ?? "0".repeat(12),
      answers,
    })
    return resolved.kind === "problem" ? [resolved.why] : []
  })
  const [message] = problems
  return message === undefined ? undefined : { kind: "tag-failed", message }
}

/** The commands of an image's further tags, by their keys. */
export function tagCommands(
  tags: readonly FurtherTag[],
  commands: ReadonlyMap<string, { readonly command: string }>,
): ReadonlyMap<string, string> {
  const keys = [...new Set(tags.flatMap(infoKeysOf))]
  return new Map(
    keys.flatMap((key) => {
      const command = commands.get(key)?.command
      return command === undefined ? [] : [[key, command] as const]
    }),
  )
}

/**
 * A label with what an image prints for its further tags, by command: who tags it later need not pull it. Whatever it
 * says is checked again then.
 */
export function answersLabel({ job, record }: BuiltImage): ReadonlyMap<string, string> {
  const answers = answersIn(record)
  const known = [...job.tagCommands].flatMap(([key, command]) => {
    const answer = answers.get(key)
    return answer?.kind === "printed" ? [[command, answer.text.trim().slice(0, 200)] as const] : []
  })
  return known.length === 0
    ? new Map()
    : new Map([[labels.tagAnswers, JSON.stringify(Object.fromEntries(known))]])
}
