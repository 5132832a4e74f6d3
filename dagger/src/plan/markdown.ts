import { plural } from "../text/format.js"
import { escapeCell } from "../text/markdown.js"
import type { Action, ParentSource, Plan, Step } from "./planDocument.js"
import { actionSchema, parentsIn, publishedIn } from "./planDocument.js"
import { describeAction, describeReason } from "./reasons.js"

/** A plan for people: one line that sums it up, a table, then every reason. */
export function planMarkdown(plan: Plan): string {
  const sections = [
    `# Plan for \`${plan.tag}\``,
    summary(plan),
    table(plan.steps),
    `Changes: ${plan.comparedWith}.`,
    ...(plan.notices.length > 0 ? [["## To know", ...plan.notices.map(bullet)].join("\n")] : []),
    ...(plan.skippedByRequest === undefined ? ["## Reasons", ...plan.steps.map(details)] : []),
  ]
  return `${sections.join("\n\n")}\n`
}

/** "1 of 3 images is built, 2 reused": the plan in ten words. */
export function summary({ steps, skippedByRequest, publish }: Plan): string {
  if (skippedByRequest !== undefined)
    return `Skipped by request: ${skippedByRequest} says "skip ci". Nothing is done.`
  const counts = actionSchema.options
    .map((action) => ({ action, count: steps.filter((step) => step.action === action).length }))
    .filter(({ count }) => count > 0)
    .map(({ action, count }) => `${count} ${past[action]}`)
  const writes = publish ? "" : " Nothing is published without --publish."
  return `**${plural(steps.length, "image")}: ${counts.join(", ")}.**${writes}`
}

const past: Readonly<Record<Action, string>> = {
  build: "to build",
  retest: "to test again",
  retag: "to tag",
  reuse: "to reuse",
  skip: "to skip",
}

function table(steps: readonly Step[]): string {
  const rows = steps.map(({ image, action, reasons }) => {
    const [first, ...more] = reasons.map(describeReason)
    const why = more.length === 0 ? (first ?? "") : `${first ?? ""} (+${more.length})`
    return `| \`${image}\` | ${action === "build" ? "**build**" : action} | ${escapeCell(shortened(why))} |`
  })
  return ["| Image | Action | Why |", "| --- | --- | --- |", ...rows].join("\n")
}

/** A cell that is longer is not read; the reasons below have the rest. */
const cellLength = 120

function shortened(text: string): string {
  return text.length <= cellLength ? text : `${text.slice(0, cellLength - 1)}…`
}

function details(step: Step): string {
  const { image, action, reasons, reference, inputKey, testKey } = step
  const published = publishedIn(step)
  return [
    `### ${image}`,
    "",
    `${action}: it ${describeAction(action)}.`,
    "",
    ...reasons.map((reason) => bullet(`because ${escapeCell(describeReason(reason))}`)),
    bullet(`tag of this run: \`${reference}\``),
    ...(published === undefined ? [] : [bullet(`published image: \`${published.reference}\``)]),
    ...parentsIn(step).map((parent) => bullet(describeParent(parent))),
    bullet(`input key \`${inputKey.slice(0, 16)}\`, test key \`${testKey.slice(0, 16)}\``),
  ].join("\n")
}

function describeParent(parent: ParentSource): string {
  switch (parent.from) {
    case "step":
      return `built on ${parent.image} of this run`
    case "registry":
      return `built on the published ${parent.image}: \`${parent.reference}\``
    case "source":
      return `built on ${parent.image} from source, which is neither tested nor published`
  }
}

function bullet(markdown: string): string {
  return `- ${markdown}`
}
