import { InputError, atOption } from "../problems.js"
import { InvalidReference, formatReference, underRegistry } from "../reference/reference.js"
import type { Repository } from "../reference/reference.js"
import { usualMainBranch } from "../tag/branchTag.js"
import { starterWorkflows } from "./workflows.js"

/** What a new stack is called, and where its images go. */
export interface StarterOptions {
  /** Name of the stack: its own image is `<name>-notebook`. */
  readonly name: string
  /** `host[:port]/organisation` that the images are published to. */
  readonly registry: string
  /** The quarter that its tags begin with: `2026.4`. */
  readonly prefix: string
  /** `owner/name@commit` of the tool on GitHub, whose workflows are called; without it there are no workflows. */
  readonly module?: string | undefined
  /** The branch whose images go to production: on GitHub the default one. */
  readonly mainBranch: string
}

const rootImage = "base-notebook"

/** A part of a repository's path (OCI distribution specification), short enough for a folder's and a stage's name. */
const nameGrammar = /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/
const longestName = 60

/**
 * The files of a new stack that depend on its name, by path; those that do not lie in `dagger/starter`.
 * @throws InputError for a branch that cannot be, for a name that no image can have, for a registry that is none, and for a module at no commit
 */
export function starterTexts(options: StarterOptions): ReadonlyMap<string, string> {
  checkName(options.name)
  checkBranch(options.mainBranch)
  const image = `${options.name}-notebook`
  const [base, own] = [rootImage, image].map((path) => repositoryOf(options.registry, path))
  return new Map([
    ["spec.yml", specText(image, base ?? "", own ?? "", options)],
    [`images/${image}/Dockerfile`, dockerfileText(options.name, base ?? "")],
    [`images/${image}/test/test_packages.py`, testText],
    [".gitignore", "/out/\n__pycache__/\n"],
    ["README.md", readmeText(options, image)],
    ...(options.module === undefined ? [] : starterWorkflows(options.module, options.mainBranch)),
  ])
}

/** The quarter of a time, as tags begin with it: `2026.4`. @param milliseconds since 1970 */
export function quarterAt(milliseconds: number): string {
  const time = new Date(milliseconds)
  return `${time.getUTCFullYear()}.${Math.floor(time.getUTCMonth() / 3) + 1}`
}

function checkName(name: string): void {
  if (nameGrammar.test(name) && name.length <= longestName && `${name}-notebook` !== rootImage) return
  const message =
    name === "base"
      ? `"base" is the name of the stack's root image`
      : `"${name.slice(0, 140)}" cannot name an image`
  const hint = `lower-case letters and digits with single ".", "_" or "-" between them, at most ${longestName}: physics`
  throw new InputError([{ location: atOption("--name"), message, hint }])
}

/** Narrower than git: it stands in YAML and Markdown. */
function checkBranch(name: string): void {
  if (/^[A-Za-z0-9][\w./-]{0,99}$/.test(name) && name.toLowerCase() !== "stable") return
  const message = `"${name.slice(0, 140)}" cannot name the main branch`
  throw new InputError([{ location: atOption("--main-branch"), message, hint: "such as main or master" }])
}

function repositoryOf(registry: string, path: string): string {
  try {
    const repository: Repository = { registry: "docker.io", path }
    return formatReference(underRegistry(registry, repository))
  } catch (error) {
    if (!(error instanceof InvalidReference)) throw error
    const hint = "host[:port]/organisation, such as ghcr.io/my-university"
    throw new InputError([{ location: atOption("--registry"), message: error.message, hint }])
  }
}

function specText(
  image: string,
  base: string,
  own: string,
  { prefix, mainBranch }: Pick<StarterOptions, "prefix" | "mainBranch">,
): string {
  const branch = mainBranch === usualMainBranch ? "" : `\nmain_branch: ${mainBranch}\n`
  return `# The images of this stack, and what each is built on.
images:
  ${rootImage}:
    image_name: ${base}
    integration_tests: true
    info_cmds: [PYTHON, PIP_LIST]
    size_budget: 2 GB

  ${image}:
    image_name: ${own}
    depend_on: ${rootImage}
    info_cmds: [PIP_LIST]
    size_budget: 3 GB

# Images are tagged ${prefix}-<branch>.
tag:
  prefix: "${prefix}"
${branch}
# Asked every week whether their packages have updates, and built anew where they have.
max_age: 7 d

# The JupyterHub that starts them: images/tests_common compares.
hub:
  version: "6.1"

all_info_cmds:
  PYTHON:
    description: Python
    command: python --version
  PIP_LIST:
    description: pip Packages
    command: pip list
`
}

function dockerfileText(name: string, base: string): string {
  return `# What ${name} needs besides ${rootImage}.
ARG BASE_TAG=latest
FROM ${base}:\${BASE_TAG}

RUN pip install --no-cache-dir networkx==3.6.1
`
}

const testText = `import networkx


def test_finds_the_shortest_way():
    assert networkx.shortest_path(networkx.cycle_graph(6), 0, 2) == [0, 1, 2]
`

const withWorkflows = (
  mainBranch: string,
) => `The workflows of \`.github\` call the tool's, each at one commit:

| workflow | does |
| --- | --- |
| Build and test | builds and tests; what is pushed is published, and ${mainBranch} writes the wiki |
| Keep images fresh | once a day, builds ${mainBranch}'s images anew whose packages have updates, or whose base has moved |
| Review | comments on a pull request what it changes in the images |
| Tag as stable, Tag as global stable | promote, by hand, from ${mainBranch} |

Create the environment \`production\` under "Settings, Environments", with who may promote, before the first promotion: GitHub
makes one without rules where there is none. Dependabot proposes newer commits of the tool.
`

const withoutWorkflows = `There are no workflows: which commit of the tool they call has to be said. \`new-stack\` with
\`--module=owner/name@commit\` writes them as well.
`

function readmeText({ name, module, mainBranch }: StarterOptions, image: string): string {
  return `# ${name}

A stack of images for a JupyterHub: \`${rootImage}\`, and \`${image}\` on top of it.

\`\`\`sh
stack plan           # what a run would do for each image, and why
stack build-stack    # builds and tests all images; publishes nothing
\`\`\`

\`stack\` is the script of that name in the tool's checkout, called in this folder. With the dagger CLI alone it is
\`dagger -m ADDRESS_OF_THE_TOOL call build-stack --source=. summary\`.

| what | where |
| --- | --- |
| the images, what they are built on, and how they are tagged | \`spec.yml\` |
| an image: its Dockerfile and files | \`images/<name>/\` |
| tests in an image, and in all that are built on it | \`images/<name>/test/\` |
| tests beside its running server | \`images/<name>/integration_tests/\` |
| tests in every image | \`images/tests_common/\` |

Another image is a folder with a Dockerfile, and four lines in \`spec.yml\`. \`build-stack --publish\` pushes what passes.

## On GitHub

${module === undefined ? withoutWorkflows : withWorkflows(mainBranch)}
## License

The files that came with this stack are under the tool's license, MIT. What you change and add is yours: say in a LICENSE
file how others may use it.
`
}
