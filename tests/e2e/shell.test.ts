import { execFileSync } from "node:child_process"
import { constants, networkInterfaces } from "node:os"
import { afterAll, beforeAll, expect, test } from "vitest"
import { sharedEngine } from "../support/enginePlace.js"
import { serving } from "../support/serving.js"
import { stackFiles } from "../support/source.js"
import { removeFolder, stack, workspace } from "../support/stack.js"
import { atTerminal } from "../support/terminal.js"
import { imageFiles, serverLines, serverProgram } from "../support/testImages.js"

const { ECONNREFUSED } = constants.errno

let folder = ""

beforeAll(async () => {
  const files = imageFiles(serverLines, {
    "server.py": serverProgram,
    "test/test_fails.py": "def test_fails(): assert False\n",
  })
  folder = await workspace(stackFiles({ site: { files } }))
})

afterAll(() => removeFolder(folder))

test("a shell opens in an image whose tests fail, as its user, with its tests at hand", async () => {
  const command = "id -un; cat /server.py | head -2; cd /stack/tests && python3 -m pytest -q site/test"
  const call = ["shell", "--source=.", "--image=site", "with-exec", `--args=sh,-c,${command}`]
  const { stdout } = await stack([...call, "--expect=ANY", "stdout"], { cwd: folder })
  expect(stdout.split("\n")[0]).toBe("student")
  expect(stdout).toContain("import http.server")
  expect(stdout).toContain("1 failed")
})

test("a repeated run ends in a shell in the image that failed, where a terminal is asked for", async () => {
  const options = ["build-stack", "--source=.", "artifacts", "export", "--path=out"]
  expect((await stack(options, { cwd: folder })).status).toBe(0)
  const { status, screen } = await atTerminal(
    ["reproduce", "out", "--terminal"],
    [
      // The commit is in no other repository: nobody else can vouch for it.
      { when: /Run it\? \[y\/N\]/, type: "y\n" },
      { when: /[$#] $/, type: "id -un; ls /stack/tests/site/test\n" },
      { when: /test_fails\.py[^]*[$#] $/, type: "exit\n" },
    ],
    { cwd: folder },
  )
  expect(screen).toContain("reproduced: the same fails as in the report:")
  expect(screen).toMatch(/^student\r?\n/m)
  expect(status).toBe(1)

  const refused = await stack(["reproduce", "out", "--terminal"], { cwd: folder })
  expect(refused).toMatchObject({ status: 2, stderr: "reproduce: --terminal needs a terminal\n" })
})

/** An address of this machine that is not its loopback. */
function ownAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  return addresses.find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? ""
}

function firewallRules(): string {
  const list = (program: string) => execFileSync(program, ["--list-rules", "INPUT"], { encoding: "utf8" })
  return list("iptables") + list("ip6tables")
}

test("an image's server is served to this machine with its token", async () => {
  const call = ["serve", "--source=.", "--image=site", "--token=secret"]
  await serving(call, { cwd: folder, serverPort: 8888 }, async (url) => {
    expect((await fetch(`${url}/`)).status).toBe(403)
    const page = await fetch(`${url}/?token=secret`)
    expect(await page.text()).toContain("<title>Sums</title>")
    // The CLI listens on all addresses. A container of the engine is another machine: its port is closed to it.
    const { port } = new URL(url)
    const address = sharedEngine.bridge
    expect(ownAddress()).not.toBe("")
    expect((await fetch(`http://${ownAddress()}:${port}/?token=secret`)).status).toBe(200)
    const program = `import socket; s = socket.socket(); s.settimeout(5); print(s.connect_ex(("${address}", ${port})))`
    const shell = [
      "shell",
      "--source=.",
      "--image=site",
      "with-exec",
      `--args=python3,-c,"${program.replaceAll('"', '""')}"`,
    ]
    expect((await stack([...shell, "stdout"], { cwd: folder })).stdout.trim()).toBe(String(ECONNREFUSED))
  })
  // The rules go a moment after the call.
  await expect.poll(firewallRules, { timeout: 10_000 }).not.toContain("stack-serve-")
})
