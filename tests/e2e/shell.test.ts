import { afterAll, beforeAll, expect, test } from "vitest"
import { serving } from "../support/serving.js"
import { stackFiles } from "../support/source.js"
import { removeFolder, stack, workspace } from "../support/stack.js"
import { imageFiles, serverLines, serverProgram } from "../support/testImages.js"

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

test("an image's server is served to this machine with its token", async () => {
  const call = ["serve", "--source=.", "--image=site", "--token=secret"]
  await serving(call, { cwd: folder, serverPort: 8888 }, async (url) => {
    expect((await fetch(`${url}/`)).status).toBe(403)
    const page = await fetch(`${url}/?token=secret`)
    expect(await page.text()).toContain("<title>Sums</title>")
  })
})
