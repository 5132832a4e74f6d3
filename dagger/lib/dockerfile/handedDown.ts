import type { BaseConfig } from "./baseConfig.js"
import { healthcheckLine } from "./baseConfig.js"
import type { Instruction } from "./instruction.js"
import type { RenderedLine } from "./render.js"

/**
 * What an image hands down by its configuration and Dagger 0.19 leaves out of the images that it publishes. Triggers
 * are not here: linking writes them into the stage that they act in.
 */
export interface HandedDown {
  /** Of SHELL; undefined for the builder's own. */
  readonly shell?: readonly string[]
  /** The instruction, on one line. */
  readonly healthcheck?: string
}

/** What the shell form of an instruction runs in where no SHELL says another one. */
export const defaultShell: readonly string[] = ["/bin/sh", "-c"]

/** What a stage hands down after one more instruction. */
export function afterInstruction(before: HandedDown, { keyword, json, line }: Instruction): HandedDown {
  if (keyword === "SHELL" && json !== undefined) return { ...before, shell: json }
  // The word of a shell form may hold line breaks of continued lines no more: `text` is one line.
  if (keyword === "HEALTHCHECK") return { ...before, healthcheck: line.text.trim() }
  return before
}

/** What an image of a registry hands down that is not of this pipeline. */
export function handedDownBy(config: BaseConfig | undefined): HandedDown {
  if (config === undefined) return {}
  const { shell, healthcheck } = config
  return {
    ...(shell.length > 0 && { shell }),
    ...(healthcheck !== undefined && { healthcheck: healthcheckLine(healthcheck) }),
  }
}

/** What a stage says again where its parent comes from the registry: there the parent has lost it. */
export function linesForPublished({ shell, healthcheck }: HandedDown): readonly RenderedLine[] {
  const lines = [
    ...(shell === undefined ? [] : [`SHELL ${JSON.stringify(shell)}`]),
    ...(healthcheck === undefined ? [] : [healthcheck]),
  ]
  if (lines.length === 0) return []
  const comment = "# What the published parent has lost: Dagger 0.19 leaves it out."
  return [comment, ...lines].map((text) => ({ text }))
}
