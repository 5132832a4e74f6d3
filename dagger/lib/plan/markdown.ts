import { listOf, plural } from "../text/format.js"
import { escapeCell } from "../text/markdown.js"
import type { Action, ParentSource, Plan, Step } from "./planDocument.js"
import { actionSchema, parentsIn, publishedIn } from "./planDocument.js"
import type { SameSteps } from "./platforms.js"
import { platformsOf, sameSteps } from "./platforms.js"
import { describeAction, describeReason } from "./reasons.js"

/** A plan for people: one line that sums it up, a table, then every reason. */
export function planMarkdown(plan: Plan): string {
  const sections = [
    `# Plan for \`${plan.tag}\``,
    summary(plan),
    table(plan),
    `Changes: ${plan.comparedWith}.`,
    ...(plan.notices.length > 0 ? [["## To know", ...plan.notices.map(bullet)].join("\n")] : []),
    ...(plan.skippedByRequest === undefined ? ["## Reasons", ...sameSteps(plan).map(details)] : []),
  ]
  return `${sections.join("\n\n")}\n`
}

/** "1 of 3 images is built, 2 reused": the plan in ten words. */
export function summary(plan: Plan): string {
  const { steps, skippedByRequest, publish } = plan
  if (skippedByRequest !== undefined)
    return `Skipped by request: ${skippedByRequest} says "skip ci". Nothing is done.`
  const counts = actionSchema.options
    .map((action) => ({ action, count: steps.filter((step) => step.action === action).length }))
    .filter(({ count }) => count > 0)
    .map(({ action, count }) => `${count} ${past[action]}`)
  const writes = publish ? "" : " Nothing is published without --publish."
  const images = plural(new Set(steps.map(({ image }) => image)).size, "image")
  const platforms = platformsOf(plan)
  const each = platforms.length === 1 ? "" : ` for ${plural(platforms.length, "platform")}`
  return `**${images}${each}: ${counts.join(", ")}.**${writes}`
}

const past: Readonly<Record<Action, string>> = {
  build: "to build",
  retest: "to test again",
  retag: "to tag",
  reuse: "to reuse",
  skip: "to skip",
}

/** A column of platforms only where there are several: a row then is of those for which the same is done. */
function table(plan: Plan): string {
  const several = plan.platforms !== undefined
  const head = ["Image", ...(several ? ["Platform"] : []), "Action", "Why"]
  const rows = sameSteps(plan).map(({ platforms, steps: [{ image, action, reasons }] }) => {
    const [first, ...more] = reasons.map(describeReason)
    const why = more.length === 0 ? (first ?? "") : `${first ?? ""} (+${more.length})`
    const act = action === "build" ? "**build**" : action
    return [`\`${image}\``, ...(several ? [platforms.join(", ")] : []), act, escapeCell(shortened(why))]
  })
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n")
}

/** A cell that is longer is not read; the reasons below have the rest. */
const cellLength = 120

function shortened(text: string): string {
  return text.length <= cellLength ? text : `${text.slice(0, cellLength - 1)}…`
}

function details({ platforms, steps }: SameSteps): string {
  const [{ image, action, reasons, reference, publish }] = steps
  return [
    `### ${[image, ...(platforms.length === 0 ? [] : [`for ${listOf(platforms)}`])].join(" ")}`,
    "",
    `${action}: it ${describeAction(action)}.`,
    "",
    ...reasons.map((reason) => bullet(`because ${escapeCell(describeReason(reason))}`)),
    bullet(publish === false ? "not published" : `tag of this run: \`${reference}\``),
    ...new Set(steps.flatMap(ownDetails).map(bullet)),
  ].join("\n")
}

/** What is another one on each platform. */
function ownDetails(step: Step): readonly string[] {
  const { platform, inputKey, testKey } = step
  const published = publishedIn(step)
  const on = platform === undefined ? "" : `${platform}: `
  return [
    ...(published === undefined ? [] : [`${on}published image: \`${published.reference}\``]),
    ...parentsIn(step).map((parent) => `${parent.from === "registry" ? on : ""}${describeParent(parent)}`),
    `${on}input key \`${inputKey.slice(0, 16)}\`, test key \`${testKey.slice(0, 16)}\``,
  ]
}

function describeParent(parent: ParentSource): string {
  switch (parent.from) {
    case "step":
      return `made from ${parent.image} of this run`
    case "registry":
      return `made from the published ${parent.image}: \`${parent.reference}\``
    case "source":
      return `made from ${parent.image} of the source, which is neither tested nor published`
  }
}

function bullet(markdown: string): string {
  return `- ${markdown}`
}
