import { execFileSync } from "node:child_process"
import { readdir, stat } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { stackFiles } from "../support/source.js"
import { removeFolder, stack, workspace } from "../support/stack.js"
import type { Ended } from "../support/stack.js"
import { ReadReport, imageFiles, serverProgram } from "../support/testImages.js"

/** Tests that pass, and leave what nobody should take in. */
const leavings = `
import os, socket, sys
import pytest

OUT = os.environ["STACK_ARTIFACTS"]

def test_links_and_the_like():
    for name, target in {"environ.png": "/proc/self/environ", "etc": "/etc", "up": "../../../../.."}.items():
        os.symlink(target, os.path.join(OUT, name))
    os.mkfifo(os.path.join(OUT, "fifo"))
    socket.socket(socket.AF_UNIX).bind(os.path.join(OUT, "socket"))
    with open(os.path.join(OUT, "giant"), "w") as giant:
        giant.truncate(1 << 40)
    with open(os.path.join(OUT, "a?b.png"), "w") as good:
        good.write("good")

def test_many_files():
    os.mkdir(os.path.join(OUT, "zz"))
    for number in range(20000):
        open(os.path.join(OUT, "zz", str(number)), "w").close()
`

/** A test that fails, with a name and a message for terminals and runners, and more output than an engine hands out. */
const loud = `
import sys
import pytest

@pytest.mark.parametrize("what", ["x"], ids=["\`![p](https://evil.example/p.png)\\x1b]0;title\\x07"])
def test_loud(what):
    for _ in range(150):
        sys.stdout.write("x" * (1 << 20) + "\\n")
    assert False, "\\n::add-mask::all\\n##[error]forged \\x1b[2J"
`

/** Another image each time: its server is started, and its pass is no earlier run's. */
const fresh = [`RUN echo ${Date.now()} > /fresh`]

/** Image whose programs lie, and whose answers lead elsewhere. */
const lying = [
  ...fresh,
  "RUN printf '#!/bin/sh\\necho 1 /\\n' > /usr/bin/du && rm /usr/bin/id",
  "EXPOSE 4040 8888",
  'CMD ["python3", "/server.py"]',
  "COPY server.py /server.py",
]

const info = {
  LINK: {
    description: "link",
    command: "for f in /stack/answers/*; do rm -f $f; ln -s /etc/shadow $f; done",
  },
  FIFO: { description: "pipe", command: "rm -f /stack/answers/*.out; mkfifo /stack/answers/1-info_FIFO.out" },
  FLOOD: {
    description: "flood",
    command: "echo start; head -c 60000000 /dev/zero | tr '\\0' x; echo; echo end",
  },
  GOOD: { description: "good", command: "echo fine" },
}

const flooding = `import sys, threading
threading.Thread(target=lambda: [sys.stderr.write("y" * 99 + "\\n") for _ in range(3_000_000)], daemon=True).start()
${serverProgram}`

const replacing = `import os
for name in os.listdir("/stack/log"):
    os.unlink("/stack/log/" + name)
    os.mkfifo("/stack/log/" + name)
os.symlink("/dev/zero", "/stack/log/exit")
${flooding.replaceAll("8888", "8080")}`

const served =
  "import os, requests\ndef test_it(): assert requests.get(os.environ['STACK_SERVER_URL']).status_code == 403\n"
const asksServer = { "integration_tests/test_it.py": served }

const images = {
  leaving: {
    info_cmds: Object.keys(info),
    files: imageFiles(lying, { "test/test_leave.py": leavings, "server.py": "" }),
  },
  loud: { files: imageFiles([], { "test/test_loud.py": loud }) },
  flooding: {
    integration_tests: true,
    files: imageFiles(lying, { "server.py": flooding, ...asksServer }),
  },
  replacing: {
    integration_tests: true,
    server_port: 8080,
    files: imageFiles(
      [...fresh, "COPY server.py /server.py", "EXPOSE 8080 9090 53/udp", 'CMD ["python3", "/server.py"]'],
      { "server.py": replacing, ...asksServer },
    ),
  },
  unclear: {
    integration_tests: true,
    files: imageFiles(["EXPOSE 8080 9090", 'CMD ["sleep", "100"]'], asksServer),
  },
}

let folder = ""
let ended: Ended
let run: ReadReport

beforeAll(async () => {
  const spec = { tests: { timeout: "60 s" }, all_info_cmds: info }
  folder = await workspace(stackFiles(images, { spec }))
  const call = ["build-stack", "--source=.", "--parallel=4", "artifacts", "export", "--path=out"]
  ended = await stack(call, { cwd: folder })
  expect(ended.status).toBe(0)
  run = await ReadReport.from(join(folder, "out"))
})

afterAll(() => removeFolder(folder))

function notices(image: string): string {
  return run.image(image).notices.join("\n")
}

test("verdicts are those of the tests, whatever else an image leaves or says", () => {
  const outcomes = Object.fromEntries(run.report.images.map(({ name, outcome }) => [name, outcome.kind]))
  expect(outcomes).toEqual({
    leaving: "passed",
    loud: "tests-failed",
    flooding: "passed",
    replacing: "passed",
    unclear: "tests-failed",
  })
})

test("what comes out are regular files with names for every system, and notices say what does not", async () => {
  const out = join(folder, "out")
  const odd = execFileSync("find", [out, "!", "-type", "f", "!", "-type", "d"], { encoding: "utf8" })
  expect(odd).toBe("")
  expect(await readdir(join(out, "screenshots/leaving/basic"))).toContain("a_b.png")
  for (const said of [
    /environ\.png \(it is a link\)/,
    /etc \(it is a link\)/,
    /fifo \(it is a FIFO\)/,
    /socket \(it is a socket\)/,
    /giant \(1099511627776 bytes are too many/,
    /, and \d+ more/,
  ])
    expect(notices("leaving")).toMatch(said)
  const files = execFileSync("find", [out, "-type", "f"], { encoding: "utf8" }).split("\n")
  expect(files.length).toBeLessThan(600)
})

test("a log that is too long has its start and its end, and the failure is reported in clean words", async () => {
  expect((await stat(join(folder, "out/logs/loud.basic-tests.log"))).size).toBeLessThan(9 << 20)
  expect(notices("loud")).toMatch(/output\.log \(\d+ bytes in the middle\)/)
  const [id = ""] = run.image("loud").suites.flatMap((suite) => suite.run.tests.map((each) => each.id))
  expect(id).toBe("loud/test/test_loud.py::test_loud[`![p](https://evil.example/p.png)\\x1b]0;title\\x07]")
  for (const path of [
    "report.json",
    "report.md",
    "logs/loud.log",
    "logs/loud.basic-tests.log",
    "junit/loud.basic.xml",
  ]) {
    const text = await run.text(path)
    expect(text).not.toMatch(/[^\P{Cc}\t\n]/u)
    expect(text).not.toContain("##[")
    expect(text).not.toMatch(/^\s*::/m)
  }
  expect(ended.stdout + ended.stderr).not.toContain("##[error]forged")
  expect(await run.text("report.md")).toContain(
    "| FAILED its tests: loud/test/test_loud.py::test_loud\\[\\`!\\[p]",
  )
})

test("an image's answers are read in no other container, and sizes are counted from outside", async () => {
  const pages = await readdir(join(folder, "out/manifests"))
  const page = await run.text(`manifests/${pages.find((name) => /leaving.*\.json$/.test(name)) ?? ""}`)
  expect(page).not.toContain("root:")
  expect(page.length).toBeLessThan(5 << 20)
  expect(page).toContain("fine")
  expect(notices("leaving")).toMatch(/of the image's answers: .*LINK\.\w+ \(it is a link\)/)
  expect(notices("leaving")).toMatch(/FLOOD\.out \(\d+ bytes in the middle\)/)
  expect(run.image("leaving").unpackedBytes).toBeGreaterThan(50e6)
})

test("a server may flood or replace its log: it is bounded, and says what is missing", async () => {
  const log = join(folder, "out/logs/flooding.server.log")
  expect((await stat(log)).size).toBeLessThan(14e6)
  expect(await run.text("logs/flooding.server.log")).toMatch(/left out: \d+ parts|^serving$/m)
  expect(notices("replacing")).toMatch(/of the server's log: server\.log \(it is a FIFO\)/)
})

test("a pass that is remembered still says what was left out", async () => {
  const again = ["build-stack", "--source=.", "--only=replacing", "artifacts", "export", "--path=again"]
  expect((await stack(again, { cwd: folder })).status).toBe(0)
  const remembered = (await ReadReport.from(join(folder, "again"))).image("replacing").notices.join("\n")
  expect(remembered).toMatch(/of the server's log: server\.log \(it is a FIFO\)/)
})

test("which of several ports is a server's is asked for, not guessed", () => {
  expect(run.image("unclear").outcome).toMatchObject({
    reason: expect.stringContaining("the image exposes the ports 8080 and 9090") as string,
  })
})
