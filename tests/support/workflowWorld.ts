import { randomBytes } from "node:crypto"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { startGitServer } from "./gitServer.js"
import type { EnginePlace } from "./enginePlace.js"
import { sharedEngine } from "./enginePlace.js"
import type { GitServer } from "./gitServer.js"
import { runWorkflow } from "./runner.js"
import type { RunnerSettings, WorkflowRun } from "./runner.js"
import { stackFiles } from "./source.js"
import type { Files } from "./source.js"
import { startSshd } from "./sshd.js"
import { makeLaunchScript } from "./sshdLaunch.js"
import { localRegistry } from "./dockerfileBuilds.js"
import { checkout, stack } from "./stack.js"
import { readWorkflow } from "./workflow.js"
import type { WorkflowEvent } from "./workflowEvents.js"
import { workflowRepository } from "./workflowRepository.js"
import type { WorkflowRepository } from "./workflowRepository.js"

/** Everything that the workflows talk to, for real: engine, registry, wiki and the cluster's login host. */
export interface WorkflowWorld {
  readonly repository: WorkflowRepository
  /** Where images are published: registry and organisation. */
  readonly registry: string
  readonly wiki: GitServer
  /** Path of the wiki on its server. */
  readonly wikiName: string
  /** What must never be printed. */
  readonly secrets: readonly string[]
  run(workflow: string, event: WorkflowEvent): Promise<WorkflowRun>
  /** Digest that a tag of an image names; undefined where there is none. */
  digest(image: string, tag: string): Promise<string | undefined>
  /** Writes the tests that "the GPU" runs, and says whether they were run since. */
  gpuTests(module: string): Promise<void>
  stop(): Promise<void>
}

/** What a test changes of it. */
export interface WorkflowAdditions {
  readonly engine?: EnginePlace
  /** Instead of the two images. */
  readonly stack?: Files
  /** Keys of spec.yml, and files, beside those of the two images. */
  readonly spec?: Readonly<Record<string, unknown>>
  readonly files?: Files
  readonly vars?: Readonly<Record<string, string>>
  readonly identity?: RunnerSettings["identity"]
}

/** Brings it up around a stack of two images, `base` and `child`. */
export async function workflowWorld(more: WorkflowAdditions = {}): Promise<WorkflowWorld> {
  const { engine = sharedEngine } = more
  const { bridge } = engine
  const wikiToken = randomBytes(12).toString("hex")
  const readingToken = randomBytes(12).toString("hex")
  const wiki = await startGitServer({
    user: "x-access-token",
    token: wikiToken,
    readOnlyToken: readingToken,
    bindAll: true,
  })
  wiki.create("datahub/stack.wiki.git")
  const sshd = await startSshd({ listen: "0.0.0.0" })
  const launch = makeLaunchScript()
  launch.write("gpu", "")
  const gpu = {
    host: "login.example",
    user: "nobody",
    image: "child",
    launch: launch.template,
    tests: launch.tests("gpu"),
    timeout: "2 min",
  }
  const files = more.stack ?? { ...twoImages({ gpu, ...more.spec }), ...more.files }
  const repository = await workflowRepository([".github", "dagger.json", "dagger", "lib"], files)
  const organisation = `workflows-${randomBytes(4).toString("hex")}`
  const registry = `${bridge}:${localRegistry().split(":")[1] ?? ""}`
  const machine = await engineEnvironment(engine)
  const settings: RunnerSettings = {
    origin: repository.folder,
    repository: "datahub/stack",
    serverUrl: `http://${bridge}:${wiki.port}`,
    vars: {
      STACK_REGISTRY: `${registry}/${organisation}`,
      DSMLP_LOGIN_HOST: bridge,
      DSMLP_LOGIN_PORT: String(sshd.port),
      DSMLP_LOGIN_USER: sshd.user,
      DSMLP_LOGIN_HOST_KEY: sshd.fingerprint,
      ...more.vars,
    },
    ...(more.identity !== undefined && { identity: more.identity }),
    environments: {
      gpu: { DSMLP_LOGIN_PASSWORD: sshd.password },
      production: { DSMLP_LOGIN_PASSWORD: sshd.password },
    },
    token: (permissions) => (permissions.contents === "write" ? wikiToken : readingToken),
    path: machine.path,
    env: machine.env,
  }
  const runs: WorkflowRun[] = []
  return {
    repository,
    registry: `${registry}/${organisation}`,
    wiki,
    wikiName: "datahub/stack.wiki.git",
    secrets: [wikiToken, readingToken, sshd.password],
    run: async (workflow, event) => {
      const run = await runWorkflow(
        readWorkflow(join(checkout, ".github/workflows", workflow)),
        event,
        settings,
      )
      if (run === undefined) throw new Error(`${event.name} does not start ${workflow}`)
      runs.push(run)
      return run
    },
    digest: (image, tag) => digestOf(registry, `${organisation}/${image}`, tag),
    gpuTests: (module) => writeFile(join(launch.tests("gpu"), "test_gpu.py"), module),
    stop: async () => {
      for (const run of runs) await run.remove()
      await repository.remove()
      launch.remove()
      await sshd.stop()
      await wiki.stop()
    },
  }
}

/** Two images that build in seconds and have pytest. */
function twoImages(spec: Readonly<Record<string, unknown>>): Files {
  const base = [
    "FROM debian:bookworm-slim",
    "RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends python3-pytest >/dev/null",
    "COPY greeting /opt/greeting",
    "",
  ]
  return stackFiles(
    {
      base: {
        info_cmds: ["OS"],
        files: {
          Dockerfile: base.join("\n"),
          greeting: "hello\n",
          "test/test_base.py":
            "def test_greeting():\n    assert open('/opt/greeting').read() == 'hello\\n'\n",
        },
      },
      child: {
        depend_on: "base",
        info_cmds: ["OS"],
        files: {
          "test/test_child.py": "def test_layer():\n    assert open('/layer').read() == 'child\\n'\n",
        },
      },
    },
    { spec: { root: "base", ...spec } },
  )
}

/** What a machine has on which `./stack engine up` has run. */
async function engineEnvironment({ env: own }: EnginePlace): Promise<{
  readonly path: string
  readonly env: Readonly<Record<string, string>>
}> {
  const { stdout } = await stack(["engine", "env"], { cwd: checkout, env: own })
  const words = [...stdout.matchAll(/(\w+)=("?[^\s"]+"?)(?=[\s:]|$)/g)].map(
    ([, name = "", value = ""]) => [name, value] as const,
  )
  // A workflow's registry is what the repository says.
  const { PATH: bin = "", ...env } = Object.fromEntries(
    words.filter(([name]) => !name.startsWith("STACK_REGISTRY")),
  )
  return {
    path: `${bin.replace(/:.*/, "")}:/usr/local/bin:/usr/bin:/bin`,
    env,
  }
}

async function digestOf(host: string, repository: string, tag: string): Promise<string | undefined> {
  const kinds = ["application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"]
  const answer = await fetch(`http://${host}/v2/${repository}/manifests/${tag}`, {
    method: "HEAD",
    headers: { Accept: kinds.join(", ") },
  })
  return answer.ok ? (answer.headers.get("docker-content-digest") ?? undefined) : undefined
}
