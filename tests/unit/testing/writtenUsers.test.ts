import { expect, test } from "vitest"
import { writtenUsers } from "../../../dagger/lib/testing/writtenUsers.js"
import type { Files } from "../../support/source.js"
import { sourceOf } from "../../support/source.js"

test.each<[string, Files, ReturnType<typeof writtenUsers>]>([
  ["no mark", { "test_a.py": "def test_a(): pass" }, []],
  [
    "a mark by position, in either quotes",
    { "test_a.py": `@pytest.mark.as_user("1:1")\n@mark.as_user( '2:2' )` },
    [
      { user: "1:1", files: ["a/test/test_a.py"] },
      { user: "2:2", files: ["a/test/test_a.py"] },
    ],
  ],
  [
    "a mark by its keyword, for a whole module",
    { "test_a.py": `pytestmark = pytest.mark.as_user(ids="1000:100")` },
    [{ user: "1000:100", files: ["a/test/test_a.py"] }],
  ],
  [
    "every file of a user, once, as pytest sorts them",
    {
      "test_b.py": `as_user("1:1") as_user("1:1")`,
      "deep/x_test.py": `as_user("1:1")`,
      "test_B.py": `as_user("1:1")`,
    },
    [{ user: "1:1", files: ["a/test/deep/x_test.py", "a/test/test_B.py", "a/test/test_b.py"] }],
  ],
  [
    "a file that is no test, one that is computed",
    { "help.py": `as_user("1:1")`, "test_a.py": "as_user(ME)" },
    [],
  ],
])("%s", (_, files, expected) => {
  const below = Object.entries(files).map(([name, text]) => [`images/a/test/${name}`, text] as const)
  const tree = sourceOf({ ...Object.fromEntries(below), "images/b/test/test_b.py": `as_user("9:9")` })
  expect(writtenUsers(tree, "images/a/test")).toEqual(expected)
})
