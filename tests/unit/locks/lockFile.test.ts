import { expect, it } from "vitest"
import { lockChange, lockedVersions } from "../../../dagger/lib/locks/lockFile.js"
import { renderLockChanges } from "../../../dagger/lib/locks/lockMarkdown.js"

const before = `numpy==1.26.4 \\
    --hash=sha256:aaaa
    # via pandas
pandas==2.2.0 ; python_version >= "3.11"
Typing_Extensions==4.9.0
gone==1.0
uvicorn[standard]==0.30
# commented==1.0
-c ../requirements.txt
`
const after = `numpy==2.0.0 \\
    --hash=sha256:bbbb
pandas==2.1.4
typing-extensions==4.9.0
polars==1.0
uvicorn[standard]==0.30
`

it("reads versions by normalized names; other lines say nothing", () => {
  expect(Object.fromEntries(lockedVersions(before))).toEqual({
    numpy: "1.26.4",
    pandas: "2.2.0",
    "typing-extensions": "4.9.0",
    gone: "1.0",
    uvicorn: "0.30",
  })
})

it("tells what became of each package", () => {
  expect(lockChange("images/base/requirements.txt", before, after).changes).toEqual([
    { kind: "removed", name: "gone", from: "1.0" },
    { kind: "upgraded", name: "numpy", from: "1.26.4", to: "2.0.0" },
    { kind: "downgraded", name: "pandas", from: "2.2.0", to: "2.1.4" },
    { kind: "added", name: "polars", to: "1.0" },
  ])
})

it("shows them by file, and says where nothing or no version differs", () => {
  const text = renderLockChanges([
    lockChange("images/base/requirements.txt", before, after),
    lockChange("images/base/other.txt", "a==1 --hash=x", "a==1 --hash=y"),
  ])
  expect(text).toContain("4 packages in 2 lock files.")
  expect(text).toContain("| numpy | `1.26.4` | `2.0.0` |")
  expect(text).toContain("The same versions; hashes or comments differ.")
  expect(renderLockChanges([])).toContain("Every lock file is what it would be made now.")
})
