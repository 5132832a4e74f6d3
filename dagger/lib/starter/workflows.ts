import { InputError, atOption } from "../problems.js"

/**
 * The files below `.github` of a stack of one's own, by path: each calls a workflow of the tool's repository at one commit.
 * @param module `owner/name@commit` of the tool's repository on GitHub
 * @param mainBranch branch that pull requests go into
 * @throws InputError for another form, a branch or a tag among them: whoever moves those would run code beside the token
 */
export function starterWorkflows(module: string, mainBranch: string): ReadonlyMap<string, string> {
  const [, repository, commit] = /^([\w-]+\/[\w.-]+)@([0-9a-f]{40})$/.exec(module) ?? []
  if (repository === undefined || commit === undefined) throw notAModule(module)
  const uses = (file: string) => `${repository}/.github/workflows/${file}@${commit}`
  return new Map([
    [".github/workflows/build.yml", buildText(uses("main.yml"), mainBranch)],
    [".github/workflows/fresh.yml", freshText(uses("main.yml"))],
    [".github/workflows/review.yml", reviewText(uses("review.yml"))],
    [".github/workflows/tag.yml", tagText(uses("tag.yml"))],
    [".github/workflows/tag_global_stable.yml", tagGlobalStableText(uses("tag_global_stable.yml"))],
    [".github/dependabot.yml", dependabotText],
  ])
}

function notAModule(module: string): InputError {
  const message = `"${module.slice(0, 140)}" is no repository at a commit`
  const hint = "owner/name@ and the 40 digits of a commit of the tool, whose workflows are called"
  return new InputError([{ location: atOption("--module"), message, hint }])
}

function buildText(uses: string, mainBranch: string): string {
  return `# Builds and tests; pushes publish, and ${mainBranch} writes the wiki.
name: Build and test

on:
  push:
    branches: ["**", "!gh-readonly-queue/**"]
  pull_request:
    branches: [${mainBranch}]
  merge_group:
  workflow_dispatch:

permissions: {}

${stackJob(uses)}`
}

function freshText(uses: string): string {
  return `# Builds the main branch's images anew whose packages have updates (max_age in spec.yml), or whose base has moved.
name: Keep images fresh

on:
  schedule:
    - cron: "43 3 * * *"
  workflow_dispatch:

permissions: {}

${stackJob(uses)}`
}

function stackJob(uses: string): string {
  return `jobs:
  stack:
    name: Stack
    uses: ${uses}
    permissions: # at most: each of its jobs has what it needs, and a fork's pull request only reads
      contents: write # the wiki; no image is built with it
      packages: write # to publish
`
}

function reviewText(uses: string): string {
  return `# One comment on a pull request: what it changes in the images.
name: Review

on:
  workflow_run: # zizmor: ignore[dangerous-triggers] runs no code of the pull request, and reads checked data only
    workflows: [Build and test]
    types: [completed]

permissions: {}

jobs:
  review:
    name: Review
    uses: ${uses}
    permissions:
      actions: read # to fetch the artifact of the other run
      contents: read
      pull-requests: write # to write the comment
`
}

const dryRunInput = `      dryRun:
        description: Only tell what would be tagged
        type: boolean
        default: false
`

const promotionPermissions = `    permissions:
      contents: write # the wiki
      packages: write # the tags
`

function tagText(uses: string): string {
  return `# <year>.<quarter>-<branch> becomes <year>.<quarter>-stable.
name: Tag as stable

on:
  workflow_dispatch:
    inputs:
      originalTag:
        description: Original tag, as 2026.4-main
        required: true
        type: string
${dryRunInput}
permissions: {}

jobs:
  tag:
    name: Tag
    uses: ${uses}
    with:
      originalTag: \${{ inputs.originalTag }}
      dryRun: \${{ inputs.dryRun }}
    secrets: # of a GPU test, where spec.yml has one
      DSMLP_LOGIN_PASSWORD: \${{ secrets.DSMLP_LOGIN_PASSWORD }}
      DSMLP_LOGIN_PRIVATE_KEY: \${{ secrets.DSMLP_LOGIN_PRIVATE_KEY }}
${promotionPermissions}`
}

function tagGlobalStableText(uses: string): string {
  return `# <year>.<quarter>-stable becomes stable.
name: Tag as global stable

on:
  workflow_dispatch:
    inputs:
      stablePrefix:
        description: Year and quarter of a stable tag, as 2026.4
        required: true
        type: string
${dryRunInput}
permissions: {}

jobs:
  tag:
    name: Tag
    uses: ${uses}
    with:
      stablePrefix: \${{ inputs.stablePrefix }}
      dryRun: \${{ inputs.dryRun }}
${promotionPermissions}`
}

const dependabotText = `# Proposes newer commits of the tool's workflows.
version: 2

updates:
  - package-ecosystem: github-actions
    directory: /
    schedule: { interval: weekly }
    cooldown: { default-days: 7 }
`
