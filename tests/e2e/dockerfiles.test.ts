import { execFileSync, spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { sharedEngine } from "../support/enginePlace.js"
import { stackFiles } from "../support/source.js"
import { startSshAgent } from "../support/sshAgent.js"
import { startSshd } from "../support/sshd.js"
import { commitAll, removeFolder, stack, workspace, writeFiles } from "../support/stack.js"

const debian = "debian:bookworm-slim"
// A word of its own: the engine keeps what was built with another.
const word = Math.random().toString(36).slice(2, 10)
const secretText = `secret-${word}-text`

const odd = `# syntax=docker/dockerfile:1
FROM ${debian} AS nobody
COPY none /
FROM ${debian}
COPY . /context
RUN cd /context && test "$(cat tracked.log)" = tracked && test ! -e build.log && test ! -e data && test -f new.txt
RUN cd /context && test -f node_modules/x && test -f .venv/y && test "$(ls -b | grep name)" = 'name\\376'
RUN --mount=type=secret,id=token,required=true test "$(cat /run/secrets/token)" = ${secretText}
LABEL word=${word}
`
const failing = `FROM ghcr.io/example/odd
# A line that the linked file has not got.
RUN echo ${word} && \\
  exit 3
`

let folder = ""

beforeAll(async () => {
  const files = {
    Dockerfile: odd,
    "tracked.log": "tracked",
    "node_modules/x": "",
    ".venv/y": "",
    link: { symlink: "../../link" },
  }
  const images = { odd: { files }, failing: { depend_on: "odd", files: { Dockerfile: failing } } }
  folder = await workspace(stackFiles(images, { files: { "out/z": "", ".gitignore": "report\n" } }), {
    git: false,
  })
  await writeFile(Buffer.concat([Buffer.from(join(folder, "images/odd/name")), Buffer.from([0xfe])]), "")
  await commitAll(folder, "first", { init: true })
  // Tracked although it is ignored; and what lies in a checkout after work in it.
  await writeFiles(folder, {
    ".gitignore": "report\nlinked\n*.log\n/images/odd/data/\n",
    "images/odd/build.log": "1",
    "images/odd/data/large": "1",
    "images/odd/new.txt": "1",
  })
})

afterAll(() => removeFolder(folder))

test("secrets, committed files and names in bytes reach a build, and its messages the author's line", async () => {
  const call = ["build-stack", "--source=.", "--secret-id=token", "--secret=env://TOKEN"]
  const options = { cwd: folder, env: { TOKEN: secretText } }
  const ended = await stack([...call, "artifacts", "export", "--path=report"], options)
  expect(ended.status).toBe(0)
  const report = JSON.parse(readFileSync(join(folder, "report/report.json"), "utf8")) as {
    reproduce: string
    images: readonly { name: string; outcome: { kind: string; message?: string } }[]
  }
  expect(report.reproduce).toBe("./stack build-stack --source=. --secret-id=token --secret=env://TOKEN")
  const outcomes = Object.fromEntries(report.images.map(({ name, outcome }) => [name, outcome]))
  expect(outcomes.odd?.kind).toBe("untested")
  expect(outcomes.failing?.kind).toBe("build-failed")
  expect(outcomes.failing?.message).toMatch(/^images\/failing\/Dockerfile:3: process /)
  // The Dockerfile itself compares with it; nothing else has it.
  const found = execFileSync("grep", ["-rlF", secretText, "report"], { cwd: folder, encoding: "utf8" })
  expect(found.trim().split("\n")).toEqual(["report/stack.Dockerfile"])
  expect(readFileSync(join(folder, "report/report.md"), "utf8")).not.toContain("out/z")
})

test("a plan is made for the secrets that the run will be given", async () => {
  const ended = await stack(["plan", "--source=.", "--secret-id=token", "json"], { cwd: folder })
  expect(ended.status, ended.stderr).toBe(0)
})

test.each(["build-stack", "plan"])(
  "%s without the secret that a build needs is refused with the place",
  async (name) => {
    const ended = await stack([name, "--source=."], { cwd: folder })
    expect(ended.status).not.toBe(0)
    expect(`${ended.stdout}${ended.stderr}`).toContain(
      'images/odd/Dockerfile:8:1: the secret "token" is not given',
    )
  },
)

test("the exported file leaves out for docker what git ignores", async () => {
  const ended = await stack(["dockerfile", "--source=.", "export", "--path=linked"], { cwd: folder })
  expect(ended.status).toBe(0)
  const patterns = readFileSync(join(folder, "linked/stack.Dockerfile.dockerignore"), "utf8").split("\n")
  expect(patterns).toEqual(expect.arrayContaining(["images/odd/build.log", "images/odd/data"]))
})

test("an ssh agent: a RUN that mounts it logs in with its key, which is in nothing that is left", async () => {
  const sshd = await startSshd({ listen: "0.0.0.0", methods: ["publickey"] })
  const agent = await startSshAgent(sshd.privateKey)
  const login = `ssh -p ${sshd.port} -o StrictHostKeyChecking=no ${sshd.user}@${sharedEngine.bridge}`
  const dockerfile = [
    `FROM ${debian}`,
    "RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends openssh-client >/dev/null",
    `RUN --mount=type=ssh,required=true ${login} echo logged in | tee /in`,
    'RUN grep "logged in" /in && test -z "$SSH_AUTH_SOCK" && test ! -e /run/buildkit',
    "",
  ]
  const cwd = await workspace(stackFiles({ keyed: { files: { Dockerfile: dockerfile.join("\n") } } }))
  try {
    const refused = await stack(["plan"], { cwd })
    expect(refused.status).not.toBe(0)
    expect(refused.stderr).toContain("images/keyed/Dockerfile:3:1: no ssh agent is given (--ssh=")
    const call = [
      "build-stack",
      "--source=.",
      `--ssh=${agent.socket}`,
      "artifacts",
      "export",
      "--path=report",
    ]
    const ended = await stack(call, { cwd })
    expect(ended.status, ended.stderr).toBe(0)
    const report = JSON.parse(readFileSync(join(cwd, "report/report.json"), "utf8")) as {
      reproduce: string
      images: readonly { outcome: { kind: string } }[]
    }
    expect(report.images[0]?.outcome.kind, ended.stderr).toBe("untested")
    expect(report.reproduce).toBe('./stack build-stack --source=. "--ssh=$SSH_AUTH_SOCK"')
    expect(sshd.log()).toContain("Accepted publickey")
    const [, secret = "none"] = sshd.privateKey.split("\n")
    const found = spawnSync("grep", ["-rlF", secret, "report"], { cwd, encoding: "utf8" })
    expect([found.stdout, ended.stderr.includes(secret)]).toEqual(["", false])
  } finally {
    await agent.stop()
    await sshd.stop()
    await removeFolder(cwd)
  }
})
