import type { Location, Problem } from "../problems.js"
import type { ImageReference } from "../reference/reference.js"
import type { SourceFile } from "../source/sourceTree.js"
import type { ImageSpec } from "../spec/spec.js"
import type { BuildContext } from "./buildContext.js"
import type { Dockerfile } from "./dockerfile.js"
import type { BaseConfig } from "./baseConfig.js"
import type { HandedDown } from "./handedDown.js"
import type { Instruction } from "./instruction.js"
import type { Scope } from "./scope.js"
import type { StageNames } from "./stageNames.js"

/** Where a stage or an instruction takes files from, once its reference is resolved. */
export type Source =
  | { readonly kind: "scratch" }
  /** A stage of the same Dockerfile, by its linked name. */
  | { readonly kind: "stage"; readonly name: string }
  /** The result of another image of the tree; `written` is the reference as resolved. */
  | { readonly kind: "image"; readonly image: string; readonly written: string }
  /** An image of a registry, with its digest where that is known. */
  | { readonly kind: "external"; readonly reference: string; readonly digest?: string }

/** The id of the ssh agent that is given to a run. */
export interface AgentId {
  readonly kind: "agent"
}

/** Text of the linked file; sources are spelled when it is known which images are in the run. */
export type Part = string | Source | AgentId

/** A change to an instruction's text: what stands from `start` to `end` becomes `parts`. */
export interface Edit {
  readonly start: number
  readonly end: number
  readonly parts: readonly Part[]
}

export interface LinkedInstruction {
  readonly instruction: Instruction
  /** In order, without overlaps. */
  readonly edits: readonly Edit[]
  /** Variables that have a value from here on: those of an ENV, and of an ARG that is not left unset. */
  readonly defines?: readonly string[]
}

/** A source that a stage uses, with the place that says so. */
export interface SourceUse {
  readonly source: Source
  readonly location: Location
}

/** A secret that a RUN mounts, or the ssh agent (`sshAgent`). */
export interface SecretUse {
  readonly id: string
  /** Whether the build fails where it is not given. */
  readonly required: boolean
  readonly location: Location
}

/** A stage while it is linked, and after. */
export interface StageDraft {
  readonly name: string
  readonly base: Source
  /** The stage's FROM line in the linked file, up to AS. */
  readonly from: readonly Part[]
  readonly location: Location
  /** What `--platform` of its FROM says, with the place; of the builder's own platform, that of the run. */
  readonly platform?: { readonly value: string; readonly location: Location }
  readonly instructions: LinkedInstruction[]
  /** What its base hands down to it, and what it hands down itself, beside variables. */
  readonly inherited: HandedDown
  handsDown: HandedDown
  /** What stands in place of a base whose triggers must not act by themselves. */
  readonly preface: readonly (readonly Part[])[]
  /** Its ONBUILD instructions, and what they hold: run at the start of stages built on it. */
  readonly onbuild: Instruction[]
  readonly triggers: Instruction[]
  /** Variables that instructions see: ARG and ENV. */
  readonly scope: Scope
  /** Variables that the finished image has: ENV alone. */
  readonly environment: Scope
  /** Arguments declared in it or in stages below; BuildKit hands them on to stages built on it. */
  readonly argumentNames: Set<string>
  /** What it takes files from, its base included. */
  readonly uses: SourceUse[]
  /** Files of the context that it can read. */
  readonly files: Set<SourceFile>
  readonly secrets: SecretUse[]
  /** What is wrong only where the stage is built: builders pass over stages that nothing needs. */
  readonly problems: Problem[]
  readsContext: boolean
}

/** An image whose Dockerfile has been read and linked, apart from how other images are spelled. */
export interface ImageDraft {
  readonly spec: ImageSpec
  readonly dockerfile: Dockerfile
  readonly names: StageNames
  readonly context: BuildContext
  readonly buildArgs: ReadonlyMap<string, string>
  /** Those of `buildArgs` that a declaration took. */
  readonly declared: Set<string>
  /** Arguments before the first FROM, and those of the platform. */
  readonly globals: Scope
  /** Those before the first FROM that have a value: what a stage that declares one without a value gets. */
  readonly globalValues: Map<string, string>
  /** Arguments that the builder sets by platform, with their values where the platform is known. */
  readonly platformArguments: ReadonlyMap<string, string | undefined>
  /** As far as they are linked. */
  readonly stages: StageDraft[]
  /** The last of them of each name that was written. */
  readonly namedStages: Map<string, StageDraft>
}

/** What linking an image needs to know of others. */
export interface Surroundings {
  /** The image of the tree that a reference's repository belongs to; where it is that of several, its tag tells which. */
  imageAt(reference: ImageReference): string | undefined
  /** The draft of an image of the tree; undefined where it could not be read. */
  draftOf(image: string): ImageDraft | undefined
  /** Digest of an external base, by its full reference. */
  digestOf(reference: string): string | undefined
  /** Configuration of an external base, by its full reference, where its registry has told it. */
  configOf(reference: string): BaseConfig | undefined
  /** Images of the tree that an image may take files from: by `depend_on` and `copies_from`, and through them. */
  sourcesOf(image: string): ReadonlySet<string>
  readonly problems: Problem[]
}
