import { expect, test } from "vitest"
import { webAddress } from "../../../dagger/lib/git/webAddress.js"

test.each([
  ["https://github.com/org/repo", "https://github.com/org/repo"],
  ["https://github.com/org/repo.git", "https://github.com/org/repo"],
  ["https://github.com/org/repo.git/", "https://github.com/org/repo"],
  ["http://git.example:3000/org/repo.git", "http://git.example:3000/org/repo"],
  ["git@github.com:org/repo.git", "https://github.com/org/repo"],
  ["github.com:org/repo.git", "https://github.com/org/repo"],
  ["ssh://git@github.com/org/repo.git", "https://github.com/org/repo"],
  ["ssh://git@git.example:2222/org/repo", "https://git.example/org/repo"],
  ["/srv/git/repo.git", undefined],
  ["../repo", undefined],
  ["file:///srv/git/repo.git", undefined],
  ["C:/repo", undefined],
  ["https://github.com/", undefined],
  ["", undefined],
])("%s", (remote, address) => {
  expect(webAddress(remote)).toBe(address)
})
