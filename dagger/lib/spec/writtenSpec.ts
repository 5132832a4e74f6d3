import * as z from "zod"
import { failingSeverities, usualDatabaseDays } from "../vulnerability/policy.js"
import { emulatedTests, platforms, usualPlatform } from "./platforms.js"
import { writtenTrust } from "./writtenTrust.js"
import { tagForms, usualMainBranch } from "../tag/branchTag.js"
import { isTagPrefix } from "../reference/imagePlace.js"
import { daysForm, durationForm, parseDays, parseDuration, parseSize, sizeForm } from "../text/quantity.js"

/**
 * The spec as a person may write it. Every `error` is the accepted form in words (`must be <error>`), for closed
 * mappings the list of their keys; every description ends up in the reference page and the JSON schema.
 */

/** Folder name and key of an image: never a path out of the images folder. */
const imageNameForm = 'a name of letters, digits, ".", "_" and "-" that starts with a letter or digit'
const imageName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, { error: imageNameForm })
const variableForm = 'a name of letters, digits and "_" that does not start with a digit'
const variableName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: variableForm })

const labelForm = "a label's name, such as org.opencontainers.image.licenses"
const labelName = z.string().regex(/^[A-Za-z0-9][\w./-]{0,199}$/, { error: labelForm })

const tagPrefixForm = 'letters and digits with ".", "_" or "-" between them and at the end, such as cuda12-'

const text = (form = "a text") => z.string({ error: form }).min(1, { error: form })
const flag = () => z.boolean({ error: "true or false" })
/** A name or version that YAML may take for a number: its text is what counts. */
const scalarText = (form: string) => z.union([z.string(), z.number()], { error: form })
const size = () => {
  const form = { error: sizeForm }
  return z.union([z.string(), z.number()], form).refine((written) => parseSize(written) !== undefined, form)
}
const duration = () => {
  const form = { error: durationForm }
  return z
    .union([z.string(), z.number()], form)
    .refine((written) => parseDuration(written) !== undefined, form)
}
const days = () =>
  z.string({ error: daysForm }).refine((written) => parseDays(written) !== undefined, { error: daysForm })
const listOfTexts = (form: string) => z.array(text(), { error: form })
const listOfNames = (form: string) => z.array(scalarText("a name"), { error: form })
const platformForm = platforms.join(" or ")
const platform = () => z.enum(platforms, { error: platformForm })
const listOfPlatforms = () =>
  z
    .array(platform(), { error: `a list of ${platformForm}` })
    .min(1, { error: "a list of at least one platform" })
/** A mapping that has no other keys than these. */
const closed = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys" ? Object.keys(shape).join(" ") : "a mapping of keys to values",
  })

const furtherTagForm = 'a tag such as latest or python-{info:PY_VER}, or a mapping of "tag" and "branches"'
const furtherTags = () =>
  z.array(
    z.union(
      [
        z.string().min(1),
        closed({
          tag: text("a tag such as latest or python-{info:PY_VER}"),
          branches: listOfTexts("a list of names of branches").min(1, {
            error: "a list of at least one name of a branch",
          }),
        }),
      ],
      { error: furtherTagForm },
    ),
    { error: "a list of tags" },
  )

const image = closed({
  image_name: text("the name of a repository in a registry").describe(
    "Repository it is published to, without a tag: `ghcr.io/ucsd-ets/datascience-notebook`.",
  ),
  tag_prefix: text(tagPrefixForm)
    .refine(isTagPrefix, { error: tagPrefixForm })
    .optional()
    .describe("What all tags of the image begin with, where several images share a repository: `cuda12-`."),
  further_tags: furtherTags()
    .optional()
    .describe("Further tags of this image, besides those of `tag.further_tags`: `python-{info:PY_VER}`."),
  publish: flag()
    .optional()
    .describe(
      "Whether it is published. One that is not is built and tested by each run, and images can be built on it. Default: `true`.",
    ),
  directory: text("the path of a folder")
    .optional()
    .describe(
      "Folder of its tests, Dockerfile and build context, below `images/`; several images may share one. " +
        "Default: `images/<name>`.",
    ),
  dockerfile: text("the path of a file")
    .optional()
    .describe("Its Dockerfile, from the root of the source. Default: `Dockerfile` in `directory`."),
  context: text("the path of a folder")
    .optional()
    .describe(
      "Folder that `COPY` and `ADD` read, from the root of the source: one that images share, or `.` for the whole. " +
        "Default: `directory`.",
    ),
  target: text("the name of a stage")
    .optional()
    .describe("Stage of the Dockerfile that is the image. Default: the last one."),
  build_args: z
    .record(variableName, z.union([z.string(), z.number(), z.boolean()], { error: "a text or a number" }), {
      error: "a mapping of names to texts",
    })
    .optional()
    .describe('Build arguments (`ARG`) and their values. `3.10` without quotes is the text "3.10".'),
  build_args_file: text("the path of a file")
    .optional()
    .describe(
      "File of further build arguments, `NAME=value` a line, from the root of the source; those of `build_args` come first.",
    ),
  labels: z
    .record(
      labelName,
      z
        .union([z.string(), z.number(), z.boolean()], { error: "a text or a number" })
        .refine((value) => !/[\r\n]/.test(String(value)), { error: "a text of one line" }),
      { error: "a mapping of names to texts" },
    )
    .optional()
    .describe(
      "Labels, as if its Dockerfile ended with them: images that are built on it inherit them. Those that a run writes " +
        "by itself (`title`, `version`, `revision`, ...) win.",
    ),
  depend_on: scalarText("the name of an image")
    .optional()
    .describe("Name of the image of the tree that its Dockerfile starts `FROM`. Absent for a root."),
  copies_from: listOfNames("a list of names of images")
    .optional()
    .describe(
      "Further images of the tree that its Dockerfile takes files from: `COPY --from`, `RUN --mount=from`, or an earlier " +
        "stage that starts `FROM` one. They are built before it; their tests do not run in it.",
    ),
  integration_tests: flag()
    .optional()
    .describe("Whether `integration_tests/` runs against the image's running server. Default: `false`."),
  server_port: z
    .int({ error: "a port, from 1 to 65535" })
    .min(1, { error: "a port, from 1 to 65535" })
    .max(65535, { error: "a port, from 1 to 65535" })
    .optional()
    .describe(
      "TCP port of its server, for images that expose several and not 8888. Default: 8888, else the only one exposed.",
    ),
  info_cmds: listOfNames("a list of keys of all_info_cmds")
    .optional()
    .describe("Keys of `all_info_cmds`: the commands whose output its manifest page shows."),
  prune: flag()
    .optional()
    .describe("Accepted from the old format and without effect: the engine collects its garbage by itself."),
  prepull: flag()
    .optional()
    .describe("Accepted from the old format and without effect: the engine pulls what a build needs."),
  size_budget: size()
    .optional()
    .describe(
      "Largest unpacked size (`12 GB`, or bytes). Over it the image fails, near it the report warns.",
    ),
  max_age: days()
    .optional()
    .describe("Age at which it is asked whether its packages have updates. Default: the stack's `max_age`."),
  platforms: listOfPlatforms()
    .optional()
    .describe("What it is for, where that is less than what its parent, or the stack, is for."),
}).describe(
  "One image: its folder is `images/<name>` with `Dockerfile` and `test/`, unless the keys below say otherwise.",
)

const infoCommand = closed({
  description: text().describe("Heading on the manifest page."),
  command: text().describe("Command line, run by a shell in the image."),
}).describe("A command that describes a built image.")

const gpu = closed({
  host: text("the name or address of a host").describe("Login host of the cluster."),
  port: z
    .int({ error: "a port from 1 to 65535" })
    .min(1, { error: "a port from 1 to 65535" })
    .max(65535, { error: "a port from 1 to 65535" })
    .optional()
    .describe("Port of its ssh server. Default: `22`."),
  user: text("the name of an account").describe(
    "Account to log in as; its password or key is given on the call.",
  ),
  image: scalarText("the name of an image").describe("Image of the tree that is tested on a GPU."),
  launch: text("a command line").describe(
    "Command line on the login host that starts the image and runs pytest in it. `{image}` and `{tests}` are " +
      "replaced, quoted.",
  ),
  tests: text("a folder in the image")
    .optional()
    .describe("Folder of the tests in the image. Default: `/opt/workflow_tests`."),
  timeout: duration().optional().describe("Limit for the whole test. Default: `30 min`."),
  host_key: text("a line of known_hosts, or SHA256: and a fingerprint")
    .optional()
    .describe("Public key of the host: a line of known_hosts or its `SHA256:` fingerprint."),
})

const tests = closed({
  timeout: duration().optional().describe("Limit for one test. Default: `5 min`."),
  image_timeout: duration().optional().describe("Limit for all tests of one image. Default: `60 min`."),
  memory: size().optional().describe("Memory the tests of one image may use. Default: no limit."),
  emulated: z
    .enum(emulatedTests, { error: "full, smoke or none" })
    .optional()
    .describe(
      "Which tests run for a platform that the engine emulates, in a stack of several: all (`full`), those whose name or " +
        "marker is `smoke`, or none. Default: `full`.",
    ),
})

const day = () => z.iso.date({ error: "a day such as 2027-01-31" })

const vulnerabilities = closed({
  fail_on: z
    .enum(failingSeverities, { error: failingSeverities.join(", ") })
    .describe("Least severity that fails: `negligible`, `low`, `medium`, `high` or `critical`."),
  only_fixed: flag()
    .optional()
    .describe("Whether only those fail that a newer version of the package fixes. Default: `false`."),
  database_days: z
    .int({ error: "a number of days" })
    .min(1, { error: "a number of days" })
    .optional()
    .describe(`Age in days at which a database fails. Default: \`${usualDatabaseDays}\`.`),
  scanner: text("the reference of an image with its digest")
    .optional()
    .describe("Image of grype with its digest: `anchore/grype:v0.121.2@sha256:...`. `--scanner` wins."),
  exceptions: z
    .array(
      closed({
        id: text("the name of a vulnerability").describe("`CVE-2026-1234`, or an alias."),
        package: text("a package URL").describe(
          "Package URL, with a version or for all: `pkg:deb/debian/curl`.",
        ),
        reason: text("a reason").describe("Why it is accepted."),
        expires: day().describe("Last day on which it holds. An expired one fails."),
      }),
      { error: "a list of exceptions" },
    )
    .optional()
    .describe(
      "What is accepted for a time: mappings of `id`, `package`, `reason` and `expires`, all of them needed.",
    ),
  vex: z
    .array(
      closed({
        file: text("a path in the source").describe("Path of an OpenVEX document in the source."),
        expires: day().describe("Last day on which its statements hold."),
      }),
      { error: "a list of files" },
    )
    .optional()
    .describe(
      "OpenVEX documents of the source: mappings of `file` and `expires`, the last day on which they hold.",
    ),
})

/** Top-level keys of a person's own, for anchors: as compose files have them. They are left out before the check. */
const ownKey = /^x-./

/** Whether a top-level key of spec.yml is its author's own, with any value. */
export function isOwnKey(key: string): boolean {
  return ownKey.test(key)
}

/** Schema of `spec.yml`, without its author's own keys. */
export const writtenSpec = closed({
  root: z
    .union(
      [
        z.string(),
        z.number(),
        listOfNames("a list of names").min(1, { error: "a list of at least one name" }),
      ],
      {
        error: "the name of an image, or a list of names",
      },
    )
    .optional()
    .describe(
      "The image, or list of images, without a parent in the tree. Where it is absent, those without `depend_on`.",
    ),
  images: z
    .record(imageName, image, { error: "a mapping of names to images" })
    .refine((images) => Object.keys(images).length > 0, { error: "a mapping of at least one image" })
    .meta({ minProperties: 1 })
    .describe(
      "Every image by name, which is also its folder below `images/` where `directory` names no other.",
    ),
  tag: closed({
    scheme: z
      .enum(tagForms, { error: tagForms.join(" or ") })
      .optional()
      .describe(
        "What `prefix` is. `quarter`: `2026.4-main` is promoted to `2026.4-stable`, and that to `stable`. `version`: " +
          "`4.6.1-main` to `4.6.1`, and that to `stable`. Default: `quarter`.",
      ),
    prefix: scalarText("<year>.<quarter>, or a version").describe(
      "`<year>.<quarter>`, or a version, the start of every branch tag: `2026.4`.",
    ),
    further_tags: furtherTags()
      .optional()
      .describe(
        "Tags that all images get besides, of runs of the main branch: `latest`, `{date}`, `{commit}`, `{prefix}`, or with " +
          "what a command of `all_info_cmds` prints in the image, `python-{info:PY_VER}`. `{ tag: ..., branches: [...] }` " +
          "names other branches, `*` standing for any characters.",
      ),
  }).describe("How published images are tagged: `<prefix>-<branch>`."),
  main_branch: text("the name of a branch")
    .optional()
    .describe(
      "The branch whose images go to production: it is built whole, its pages are published, and others are compared with " +
        `it. Default: \`${usualMainBranch}\`.`,
    ),
  all_info_cmds: z
    .record(text("a key"), infoCommand, { error: "a mapping of keys to commands" })
    .optional()
    .describe("Commands that describe a built image, by the key that `info_cmds` uses."),
  tests: tests.optional().describe("Limits of test runs."),
  hub: closed({
    version: scalarText("a version such as 5.4").describe(
      "Version of the JupyterHub in production, or the start of it: `5.4` is matched by `5.4.3`.",
    ),
  })
    .optional()
    .describe("The hub that starts the images; `jupyterhub-singleuser` in them must match its version."),
  gpu: gpu.optional().describe("How the GPU test reaches the cluster."),
  vulnerabilities: vulnerabilities
    .optional()
    .describe(
      "Which known vulnerabilities `scan` does not let pass. Without it `scan` tells all and fails for none.",
    ),
  wiki: text("the URL of a git repository")
    .optional()
    .describe("URL of the wiki's git repository, without user and password."),
  registry: text("a registry's host and organisation")
    .optional()
    .describe("Registry and organisation that replace those of every `image_name`: `ghcr.io/ucsd-ets`."),
  platforms: listOfPlatforms()
    .optional()
    .describe(
      "What the images are built and published for, all under one tag. Default: the one of `platform`.",
    ),
  platform: platform()
    .optional()
    .describe(
      `What the images are built and published for. An engine of another kind builds for it by emulation; where it cannot, ` +
        `nothing is published. Default: \`${usualPlatform}\`.`,
    ),
  max_age: days()
    .optional()
    .describe(
      "Age (`7 d`) at which main's published images are asked whether their packages have updates; those that have are " +
        "built anew. Without it nobody asks.",
    ),
  trust_registry: flag()
    .optional()
    .describe(
      "Whether main believes what the registry says of earlier runs: labels, and tags such as `passed-...`. Whoever may " +
        "push packages can write them. With `false`, main builds and tests everything itself. Default: `true`.",
    ),
  trust: writtenTrust.optional(),
})
  .meta({ patternProperties: { [ownKey.source]: {} } })
  .describe("The tree of images of one stack.")

/** `spec.yml` as written, after its shape was checked. */
export type WrittenSpec = z.infer<typeof writtenSpec>
export type WrittenImage = WrittenSpec["images"][string]

/** Schema of `images/change_ignore.json`. */
export const writtenChangeRules = closed({
  ChangeIgnore: listOfTexts("a list of paths below images/")
    .optional()
    .describe("Folders and files of `images/` whose change concerns no image."),
  BuildAll: listOfTexts("a list of paths below images/")
    .optional()
    .describe(
      "Folders and files of `images/` whose content is a part of every image: a change rebuilds all, once.",
    ),
}).describe("Changes that concern no image, or all. JSON; the file may be absent.")
