import * as z from "zod"
import { writtenChangeRules, writtenSpec } from "./writtenSpec.js"

/** The part of a JSON schema that ours use. */
export interface JsonSchema {
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: JsonSchema | false
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
}

/** JSON schema of spec.yml; draft 7 is what editors' YAML support reads. */
export function specJsonSchema(): JsonSchema {
  return schemaOf(writtenSpec)
}

/** JSON schema of images/change_ignore.json. */
export function changeRulesJsonSchema(): JsonSchema {
  return schemaOf(writtenChangeRules)
}

function schemaOf(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { target: "draft-7", io: "input" }) as JsonSchema
}
