import { execFileSync } from "node:child_process"
import { expect, test } from "vitest"
import { reproduceCommand } from "../../../dagger/lib/gather/request.js"

test.each([
  [[], ""],
  [["token"], " --secret-id=token --secret=env://TOKEN"],
  [
    ["npm-token", "2nd"],
    " --secret-id=npm-token --secret=env://NPM_TOKEN --secret-id=2nd --secret=env://_2ND",
  ],
  [["token", "ssh:default"], ' --secret-id=token --secret=env://TOKEN "--ssh=$SSH_AUTH_SOCK"'],
])("a command names the secrets %j by variables that a shell takes", (secrets, expected) => {
  const command = reproduceCommand({ function: "build-stack", arguments: ["--only=a"], secrets })
  expect(command).toBe(`./stack build-stack --source=. --only=a${expected}`)
  for (const [, name = ""] of command.matchAll(/env:\/\/(\S*)/g))
    expect(execFileSync("bash", ["-c", `${name}=1; echo ok`], { encoding: "utf8" })).toBe("ok\n")
})
