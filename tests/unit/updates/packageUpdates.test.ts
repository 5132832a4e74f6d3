import { describe, expect, test } from "vitest"
import type { UpdateManager } from "../../../dagger/lib/updates/packageUpdates.js"
import { readUpdates } from "../../../dagger/lib/updates/packageUpdates.js"
import { requirementsIn } from "../../../dagger/lib/updates/updateProbes.js"

const said = (stdout: string, exitCode = 0, stderr = "") => ({ stdout, exitCode, stderr })

/** `name from to` of each update. */
function updates(manager: UpdateManager, stdout: string): readonly string[] {
  const answer = readUpdates(manager, said(stdout))
  if (answer.kind !== "asked") throw new Error(answer.kind)
  return answer.updates.map(({ name, from, to }) => `${name} ${from} ${to}`)
}

describe("apt", () => {
  const simulated = `Reading package lists...
Building dependency tree...
Calculating upgrade...
The following NEW packages will be installed:
  libnew1
The following packages will be upgraded:
  libssl3t64 openssl tzdata
3 upgraded, 1 newly installed, 0 to remove and 0 not upgraded.
Inst libnew1 (1.0-1 Debian:13.2/stable [amd64])
Inst libssl3t64:amd64 [3.5.1-1] (3.5.2-1~deb13u1 Debian:13.2/stable, Debian-Security:13/stable-security [amd64]) []
Inst openssl [3.5.1-1] (3.5.2-1~deb13u1 Debian-Security:13/stable-security [amd64])
Inst tzdata [2025a-1] (1:2025b-0+deb13u1 Debian:13.2/stable-updates [all])
Conf libnew1 (1.0-1 Debian:13.2/stable [amd64])
Conf openssl (3.5.2-1~deb13u1 Debian-Security:13/stable-security [amd64])
Remv gone [1.0]
`

  test("what would be upgraded, without what would be new or go", () => {
    expect(updates("apt", simulated)).toEqual([
      "libssl3t64 3.5.1-1 3.5.2-1~deb13u1",
      "openssl 3.5.1-1 3.5.2-1~deb13u1",
      "tzdata 2025a-1 1:2025b-0+deb13u1",
    ])
  })

  test.each([
    ["nothing", ""],
    ["no update", "0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n"],
    ["a name that is none", "Inst | x [1] (2 Debian)\nInst <b> [1] (2 Debian)\n"],
    ["a version that is none", "Inst openssl [1`] (2 Debian)\nInst openssl [1] (`2` Debian)\n"],
  ])("%s", (_, text) => {
    expect(updates("apt", text)).toEqual([])
  })

  test("lists are bounded", () => {
    const many = Array.from({ length: 5000 }, (_, index) => `Inst p${index} [1] (2 Debian)`).join("\n")
    expect(updates("apt", many)).toHaveLength(2000)
  })
})

describe.each(["pip", "r"] as const)("%s", (manager) => {
  test("lines of our program, among what others print", () => {
    const text =
      "hello\nupdate\tdata.table\t1.16.0\t1.17.8\nupdate\tx\t1\nupdate\t<b>\t1\t2\n update\tx\t1\t2\n"
    expect(updates(manager, text)).toEqual(["data.table 1.16.0 1.17.8"])
  })
})

describe("who does not answer", () => {
  test.each([
    ["the image does not have it", said("@absent\n"), { kind: "absent" }],
    [
      "it fails",
      said("", 100, "E: no network\n"),
      { kind: "failed", reason: "exit status 100: E: no network" },
    ],
    ["it fails silently", said("", 124), { kind: "failed", reason: "exit status 124" }],
  ])("%s", (_, output, expected) => {
    expect(readUpdates("apt", output)).toEqual(expected)
  })
})

describe("requirements in a text", () => {
  test.each<[string, string, readonly string[]]>([
    [
      "a lock",
      "six==1.17.0 \\\n    --hash=sha256:ff70 \\\n    --hash=sha256:4721\n    # via x\n",
      ["six==1.17.0"],
    ],
    ["a marker", "idna==3.7 ; python_version >= '3.5'\n", ["idna==3.7 ; python_version >= '3.5'"]],
    [
      "ranges and extras",
      "dask[complete]>=2024.1, <2025\nnumpy ~= 1.26\n",
      ["dask[complete]>=2024.1, <2025", "numpy ~= 1.26"],
    ],
    ["a Dockerfile", 'RUN pip install "pandas>=2,<3" scipy==1.*\n', ["pandas>=2,<3", "scipy==1.*"]],
    ["names alone", "# numpy\nnumpy\n-r other.txt\n--index-url https://example.org/simple?a=b\n", []],
    ["twice", "six==1\nsix==1\n", ["six==1"]],
  ])("%s", (_, text, expected) => {
    expect(requirementsIn(text)).toEqual(expected)
  })

  test("time is in proportion to the text, and nothing ends the text that they are handed on in", () => {
    const startedAt = performance.now()
    for (const piece of ["a", "a ", "a==", "a[", "==1,", ";", "a==1;'\" "])
      requirementsIn(piece.repeat(200_000))
    expect(performance.now() - startedAt).toBeLessThan(10_000)
    expect(requirementsIn("STACK_REQUIREMENTS\nx==1\nSTACK_REQUIREMENTS==\n").join("\n")).toBe("x==1")
  })
})
