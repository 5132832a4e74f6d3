import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest"
import { canRunDocker, DockerDaemon } from "../support/dockerDaemon.js"
import { stackFiles } from "../support/source.js"
import { checkout, removeFolder, run, workspace } from "../support/stack.js"

// What a laptop with Docker does: ./stack calls the dagger CLI, which starts its engine with `docker run`. The daemon is
// one of the test's own, of Debian's docker.io; the engine's image is made of the parts of the provisioned engine.

const base = `FROM debian:bookworm-slim
SHELL ["/bin/bash", "-c"]
ARG WORDS=base
RUN echo \${WORDS^^} >/words && mkdir -m 750 /kept && ln -s /words /kept/link
HEALTHCHECK --interval=1s --timeout=5s --retries=30 CMD test -f /tmp/ready
ONBUILD RUN echo "\${BASH_VERSION:+bash}" >/trigger
CMD ["sh", "-c", "sleep 1; touch /tmp/ready; exec sleep 600"]
`
const left = `FROM ghcr.io/example/base:latest
COPY left.txt /left/
ENV LEFT=1
EXPOSE 8888
USER nobody
WORKDIR /left
`

/** What of an image's configuration a Dockerfile decides. */
const decided = ["Env", "Cmd", "Entrypoint", "User", "WorkingDir", "ExposedPorts", "Volumes", "StopSignal"]
const dropped = ["Healthcheck", "OnBuild", "Shell"]

interface ImageConfig {
  readonly Labels: Readonly<Record<string, string>> | null
  readonly Healthcheck?: { readonly Test: readonly string[] }
  readonly [key: string]: unknown
}

/** Absent and null are the same to Docker. */
function partOf(config: ImageConfig, keys: readonly string[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(keys.map((key) => [key, config[key] ?? null]))
}

describe.skipIf(!canRunDocker())("with Docker", () => {
  let docker: DockerDaemon
  let folder: string
  /** Whether the engine keeps HEALTHCHECK, ONBUILD and SHELL: as of 0.20. */
  let keeps: boolean

  beforeAll(async () => {
    const versions = await readFile(join(checkout, "engine/versions.env"), "utf8")
    const [, major, minor] = /^DAGGER_VERSION=(\d+)\.(\d+)\./m.exec(versions) ?? []
    keeps = Number(major) > 0 || Number(minor) >= 20
    folder = await workspace(
      stackFiles({
        base: { files: { Dockerfile: base } },
        left: { depend_on: "base", files: { Dockerfile: left, "left.txt": "left\n" } },
      }),
    )
    docker = await DockerDaemon.start()
  })
  afterAll(async () => {
    await removeFolder(folder)
    expect(await docker.stop()).toEqual([])
  })

  const published = (image: string) => `${docker.registryHost}/team/${image}:2026.4-main`
  const configOf = async (image: string) =>
    JSON.parse(await docker.docker("image", "inspect", "--format={{json .Config}}", image)) as ImageConfig

  /** Files of an image, a line each, without those that Docker puts into every container. */
  async function filesOf(image: string): Promise<readonly string[]> {
    const container = await docker.docker("create", image)
    const archive = join(folder, "image.tar")
    await docker.docker("export", `--output=${archive}`, container)
    await docker.docker("rm", container)
    const listed = await run("python3", [join(checkout, "tests/support/layers.py"), archive], { cwd: folder })
    await removeFolder(archive)
    return listed.stdout.split("\n")
  }

  test("./stack builds and publishes on the engine that the CLI starts", async () => {
    const args = ["build-stack", "--publish", "--branch=main", `--registry=${docker.registryHost}/team`]
    const ended = await docker.stack(args, folder)
    expect(ended.stderr).toContain("stack: engine: dagger's own, in docker, CLI: ")
    expect(ended).toMatchObject({ status: 0 })
    expect(ended.stdout).toContain(`published: ${published("base")} `)
    expect(await docker.docker("ps", "--format={{.Names}} {{.Image}}")).toMatch(
      /^dagger-engine-v\S+ registry\.dagger\.io\/engine:v\S+$/,
    )
    // The engine runs on, and the second call begins at once.
    expect(await docker.stack([...args, "--only=left"], folder)).toMatchObject({ status: 0 })
  })

  test("docker build of the linked Dockerfile makes the same images", async () => {
    const linked = await docker.stack(["dockerfile", "export", "--path=linked"], folder)
    expect(linked).toMatchObject({ status: 0 })
    // What `linked` has is no part of the source.
    await writeFile(join(folder, ".git/info/exclude"), "linked\n")
    const file = join(folder, "linked/stack.Dockerfile")
    for (const image of ["base", "left"]) {
      await docker.docker(
        "build",
        "--quiet",
        `--file=${file}`,
        `--target=${image}`,
        `--tag=own/${image}`,
        folder,
      )
      await docker.docker("pull", "--quiet", published(image))
      expect(await filesOf(published(image))).toEqual(await filesOf(`own/${image}`))
      const [engines, own] = [await configOf(published(image)), await configOf(`own/${image}`)]
      expect(partOf(engines, decided)).toEqual(partOf(own, decided))
      expect(engines.Labels).toMatchObject({ "org.opencontainers.image.title": image })
      expect(own.Labels).toBeNull()
      expect(own.Healthcheck?.Test).toEqual(["CMD-SHELL", "test -f /tmp/ready"])
      // The report has a note of it: tests/unit/dockerfile/problems.test.ts.
      const none = { Healthcheck: null, OnBuild: null, Shell: null }
      expect(partOf(engines, dropped)).toEqual(keeps ? partOf(own, dropped) : none)
    }
  })

  test("a published image runs, and gets healthy where the engine keeps what says how", async () => {
    // 0.19 leaves HEALTHCHECK out: Docker's own build of the same text shows that it is right.
    const image = keeps ? published("left") : "own/left"
    const container = await docker.docker("run", "--detach", image)
    onTestFinished(async () => {
      await docker.docker("rm", "--force", container)
    })
    const health = () => docker.docker("inspect", "--format={{.State.Health.Status}}", container)
    for (let seconds = 0; seconds < 30 && (await health()) !== "healthy"; seconds++) await pause(1000)
    expect(await health()).toBe("healthy")
    const said = await docker.docker(
      "run",
      "--rm",
      published("left"),
      "sh",
      "-c",
      "cat /words /trigger left.txt; id -un",
    )
    expect(said.split("\n")).toEqual(["BASE", "bash", "left", "nobody"])
  })
})
