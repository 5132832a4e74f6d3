import { changeRulesJsonSchema, specJsonSchema } from "../dagger/lib/spec/jsonSchema.js"
import type { JsonSchema } from "../dagger/lib/spec/jsonSchema.js"

/** The committed JSON schema, spec.schema.json. */
export function schemaFile(): string {
  return `${JSON.stringify({ title: "spec.yml", ...specJsonSchema() }, null, 2)}\n`
}

/** A complete spec; a test loads it. */
export const example = `# yaml-language-server: $schema=./spec.schema.json
images:
  datascience-notebook:
    image_name: ghcr.io/ucsd-ets/datascience-notebook
    build_args:
      PYTHON_VERSION: 3.10 # the text "3.10", quoted or not
    info_cmds: [OS, PIP_LIST]
    size_budget: 6 GB

  scipy-ml-notebook:
    image_name: ghcr.io/ucsd-ets/scipy-ml-notebook
    depend_on: datascience-notebook
    integration_tests: true
    info_cmds: [PIP_LIST]

tag:
  prefix: "2026.4"

all_info_cmds:
  OS: { description: Operating System, command: cat /etc/os-release }
  PIP_LIST: { description: pip Packages, command: pip list }

tests:
  timeout: 5 min
  image_timeout: 1 h
  memory: 4 GB

hub:
  version: 5.4

gpu:
  host: dsmlp-login.ucsd.edu
  user: grader-test-01
  image: scipy-ml-notebook
  launch: launch.sh -i {image} -g 1 -- pytest {tests}

wiki: https://github.com/ucsd-ets/datahub-docker-stack.wiki.git
`

const introduction = `<!-- Written by \`npm run docs\` from dagger/lib/spec/writtenSpec.ts: edit that file instead. -->

# spec.yml

The tree of images of a stack. It stands at the root of the source as \`spec.yml\`, or in its old place,
\`images/spec.yml\`; in both cases \`images/<name>/\` is the folder of an image. The old format is accepted as it is.
Unknown keys are mistakes. Every mistake of the file is reported in one go, with file, line and column.

Anchors, aliases and merge keys work (\`<<: *common\`, or a list of them). A place for anchors are top-level keys that begin
with \`x-\`: they are accepted whatever is in them, and mean nothing by themselves.

\`\`\`yaml
x-common: &common { integration_tests: true, info_cmds: [OS] }
images:
  base: { <<: *common, image_name: ghcr.io/org/base }
\`\`\`

A complete file:

\`\`\`yaml
${example}\`\`\`

Editors complete and check the file with [spec.schema.json](../spec.schema.json).
`

const checks = `## What is checked beyond the keys

- Each image has its Dockerfile; \`directory\`, \`dockerfile\` and \`context\` are there, and paths within the source; names of images are folder names, and differ in more than their case.
- No two images are published to one repository, neither as written nor below \`registry\`, unless \`tag_prefix\` tells their tags apart; it begins like no other tag.
- \`further_tags\` are tags, and those of nothing else: branches, promotions, the pipeline itself, another image of the repository. \`{info:KEY}\` stands behind a text.
- \`tag.prefix\` is what \`tag.scheme\` says.
- \`depend_on\` and \`copies_from\` name images, each once, and no image depends on itself in a circle.
- \`root\`, where it is given, names exactly the images without \`depend_on\`.
- \`info_cmds\` names keys of \`all_info_cmds\`, \`gpu.image\` one that is published.
- \`gpu.launch\` uses \`{image}\` and has no other placeholders than \`{image}\` and \`{tests}\`.
- \`wiki\` is a URL without user and password: tokens are given on the call, as secrets.
`

/** The reference page, docs/spec.md. */
export function specPage(): string {
  const sections = [
    ...sectionsOf("Keys", specJsonSchema()),
    ...sectionsOf("images/change_ignore.json", changeRulesJsonSchema()),
  ]
  return [introduction, ...sections, checks].join("\n")
}

/** A section for a mapping with known keys, then those for the mappings inside of it. */
function sectionsOf(title: string, schema: JsonSchema): readonly string[] {
  const keys = Object.entries(schema.properties ?? {})
  const rows = keys.map(([key, value]) => {
    const need = schema.required?.includes(key) === true ? "required" : "optional"
    return `| \`${key}\` | ${form(value)} | ${need} | ${value.description ?? ""} |`
  })
  const head = "| key | form | | what it is |\n| --- | --- | --- | --- |"
  const text = schema.description === undefined || title === "Keys" ? "" : `${schema.description}\n\n`
  const section = `## ${title}\n\n${text}${head}\n${rows.join("\n")}\n`
  return [section, ...keys.flatMap(([key, value]) => sectionsWithin(title, key, value))]
}

function sectionsWithin(title: string, key: string, schema: JsonSchema): readonly string[] {
  const path = title === "Keys" ? key : `${title.replaceAll("`", "")}.${key}`
  if (schema.properties !== undefined) return sectionsOf(`\`${path}\``, schema)
  const inner = schema.additionalProperties
  if (inner === undefined || inner === false || inner.properties === undefined) return []
  return sectionsOf(`\`${path}.<name>\``, inner)
}

function form({ type, anyOf, items, additionalProperties }: JsonSchema): string {
  if (anyOf !== undefined) return anyOf.map(form).join(" or ")
  if (type === "array") return `list of ${items === undefined ? "value" : form(items)}s`
  if (type === "object") return typeof additionalProperties === "object" ? "mapping by name" : "mapping"
  return [type ?? []].flat().map(wordFor).join(" or ")
}

function wordFor(type: string): string {
  const words: Readonly<Record<string, string>> = {
    string: "text",
    boolean: "true or false",
    integer: "number",
  }
  return words[type] ?? type
}
