import { describe, expect, it, test } from "vitest"
import { existingBranches } from "../../../dagger/lib/git/knownBranches.js"
import type { HeldManifest, HeldRepository } from "../../../dagger/lib/prune/inventory.js"
import { deletingByHand, renderPruneMarkdown } from "../../../dagger/lib/prune/pruneMarkdown.js"
import type { PruneRules } from "../../../dagger/lib/prune/prunePlan.js"
import { planPrune } from "../../../dagger/lib/prune/prunePlan.js"
import { readTemplate } from "../../../dagger/lib/tag/furtherTags.js"
import { tagKindOf } from "../../../dagger/lib/tag/tagKind.js"
import { branchTag } from "../../../dagger/lib/tag/branchTag.js"
import { plainScreen } from "../../../dagger/lib/text/screen.js"
import { markdownForTerminal } from "../../../dagger/lib/text/terminalMarkdown.js"
import { digestOf } from "../../support/manifests.js"
import { quarterScheme } from "../../support/tagScheme.js"

const day = 86_400_000
const now = Date.parse("2026-11-27T00:00:00Z")
const rules: PruneRules = {
  scheme: quarterScheme,
  furtherTags: new Map(),
  branches: ["main", "topic"],
  keep: [],
  olderThanSeconds: 30 * 86_400,
  now,
}
const key = "0123456789abcdef"
const candidate = `candidate-${key}`
const passed = `passed-${key}-${key}`

/** A manifest that is 100 days old unless told otherwise. */
function manifest(
  letter: string,
  facts: Partial<HeldManifest> & { readonly days?: number } = {},
): HeldManifest {
  const { days = 100, ...rest } = facts
  return { digest: digestOf(letter), children: [], named: [], created: now - days * day, ...rest }
}

/** A repository of tags by letter of their digest. */
function repository(
  tags: Readonly<Record<string, string>>,
  manifests: readonly HeldManifest[],
  name = "base",
): HeldRepository {
  return {
    images: [{ name }],
    repository: `ghcr.io/org/${name}`,
    tags: new Map(Object.entries(tags).map(([tag, letter]) => [tag, digestOf(letter)])),
    manifests: new Map(manifests.map((each) => [each.digest, each])),
    lone: new Set(),
  }
}

/** Letters of what would be deleted, in order. */
function unneeded(held: readonly HeldRepository[], more: Partial<PruneRules> = {}): string {
  const plan = planPrune(held, { ...rules, ...more })
  return plan.unneeded.map(({ digest }) => digest.slice("sha256:".length)[0]).join("")
}

test.each([
  ["stable", { kind: "stable" }],
  ["2026.4-stable", { kind: "stable" }],
  ["journal-stable", { kind: "journal", of: "stable" }],
  ["journal-2026.4-stable", { kind: "journal", of: "2026.4-stable" }],
  ["journal-club", { kind: "other" }],
  ["2026.4-main", { kind: "branch", prefix: "2026.4" }],
  ["2026.5-main", { kind: "other" }],
  [candidate, { kind: "memory" }],
  [passed, { kind: "memory" }],
  [`folder-${passed}`, { kind: "memory" }],
  ["candidate-list", { kind: "other" }],
  [`sha256-${"a".repeat(64)}`, { kind: "referrers", subject: digestOf("a") }],
  [`sha256-${"a".repeat(64)}.sig`, { kind: "referrers", subject: digestOf("a") }],
  ["sha256-abc", { kind: "other" }],
  ["latest", { kind: "other" }],
] as const)("%s is a tag of the kind %j", (tag, kind) => {
  expect(tagKindOf(tag, "quarter")).toEqual(kind)
})

test.each([
  ["4.6.1-main", { kind: "branch", prefix: "4.6.1" }],
  ["4.6.1", { kind: "stable" }],
  ["2026.4-stable", { kind: "stable" }],
  ["journal-4.6.1", { kind: "journal", of: "4.6.1" }],
  ["2026-11-27", { kind: "other" }],
  ["python-3.12", { kind: "other" }],
  ["4", { kind: "other" }],
] as const)("of a stack of versions, %s is a tag of the kind %j", (tag, kind) => {
  expect(tagKindOf(tag, "version")).toEqual(kind)
})

describe("what is unneeded", () => {
  const named = [`ghcr.io/org/base@${digestOf("a")}`, `ghcr.io/org/left@${digestOf("c")}`]
  const cases: readonly (readonly [
    string,
    Readonly<Record<string, string>>,
    readonly HeldManifest[],
    string,
  ])[] = [
    ["an old candidate", { [candidate]: "a" }, [manifest("a")], "a"],
    ["a young one is not", { [candidate]: "a" }, [manifest("a", { days: 29 })], ""],
    [
      "one whose age nobody knows is not",
      { [candidate]: "a" },
      [{ digest: digestOf("a"), children: [], named: [] }],
      "",
    ],
    [
      "one that a branch has is not",
      { [candidate]: "a", [passed]: "a", "2026.4-main": "a" },
      [manifest("a")],
      "",
    ],
    ["nor one of a branch of another quarter", { "2025.1-topic": "a" }, [manifest("a")], ""],
    [
      "an image of a branch that is gone, with its memories",
      { "2026.4-gone": "a", [passed]: "a" },
      [manifest("a")],
      "a",
    ],
    ["a stable one is not", { "2026.3-stable": "a", "2026.3-gone": "a" }, [manifest("a")], ""],
    ["nor one with somebody else's tag", { [candidate]: "a", exam: "a" }, [manifest("a")], ""],
    ["a journal whose tag is gone", { "journal-2025.1-stable": "a" }, [manifest("a")], "a"],
    [
      "a journal whose tag is there is not, nor what it names",
      { "journal-2026.3-stable": "b", "2026.3-stable": "c", [candidate]: "a" },
      [manifest("a"), manifest("b", { named }), manifest("c")],
      "",
    ],
    [
      "an index before its parts",
      { [candidate]: "b" },
      [manifest("a"), manifest("b", { children: [digestOf("a")] })],
      "ba",
    ],
    [
      "a part of an index that stays is not",
      { [candidate]: "a", "2026.4-main": "b" },
      [manifest("a"), manifest("b", { children: [digestOf("a")] })],
      "",
    ],
    [
      "a part that has a tag that stays is not",
      { [candidate]: "b", "2026.4-main": "a" },
      [manifest("a"), manifest("b", { children: [digestOf("a")] })],
      "b",
    ],
    [
      "what speaks of an image goes after it, with its parts",
      { [candidate]: "a", [`sha256-${"a".repeat(64)}`]: "b" },
      [manifest("a"), manifest("b", { children: [digestOf("d")], days: 1 })],
      "abd",
    ],
    [
      "what speaks of one that stays is not",
      { "2026.4-main": "a", [`sha256-${"a".repeat(64)}`]: "b" },
      [manifest("a"), manifest("b")],
      "",
    ],
    [
      "what speaks of a part of an index that stays is not",
      { "2026.4-main": "c", [`sha256-${"a".repeat(64)}.sig`]: "b" },
      [manifest("b"), manifest("c", { children: [digestOf("a")] })],
      "",
    ],
    ["what speaks of nothing", { [`sha256-${"a".repeat(64)}`]: "b" }, [manifest("b", { days: 1 })], "b"],
  ]
  it.each(cases)("%s", (_, tags, manifests, expected) => {
    expect(unneeded([repository(tags, manifests)])).toBe(expected)
  })

  it("is nothing that a journal of another repository names", () => {
    const first = repository({ "journal-stable": "b", stable: "a" }, [
      manifest("a"),
      manifest("b", { named }),
    ])
    const second = (name: string) => repository({ [candidate]: "c" }, [manifest("c")], name)
    expect(unneeded([first, second("left")])).toBe("")
    expect(unneeded([first, second("right")])).toBe("c")
  })

  it("is no branch's image where the branches are not known, and the plan says so", () => {
    const held = [repository({ "2026.4-gone": "a", [candidate]: "b" }, [manifest("a"), manifest("b")])]
    expect(unneeded(held, { branches: "no repository" })).toBe("b")
    expect(planPrune(held, { ...rules, branches: "no repository" }).notices).toEqual([
      "no branch's tag is taken for unneeded: no repository",
    ])
  })

  it("is no tag that was asked to stay, and nothing that only a question by digest finds", () => {
    expect(unneeded([repository({ "2026.4-gone": "a" }, [manifest("a")])], { keep: ["2026.4-gone"] })).toBe(
      "",
    )
    const lone = {
      ...repository({ [`sha256-${"a".repeat(64)}`]: "b" }, [manifest("b")]),
      lone: new Set([digestOf("a")]),
    }
    expect(unneeded([lone])).toBe("")
  })

  it("knows a branch by the tag that its odd name has", () => {
    const tag = branchTag(quarterScheme, "feature/x y")
    const held = [repository({ [tag]: "a" }, [manifest("a")])]
    expect(unneeded(held, { branches: ["feature/x y"] })).toBe("")
    expect(unneeded(held, { branches: ["feature/x z", "stable"] })).toBe("a")
  })
})

describe("a repository of several images", () => {
  const shared = (tags: Readonly<Record<string, string>>, manifests: readonly HeldManifest[]) => ({
    ...repository(tags, manifests),
    images: [{ name: "base" }, { name: "cuda", tagPrefix: "cuda12-" }],
  })

  it("keeps the tags of each by what they are without its prefix", () => {
    const tags = {
      "2026.4-main": "a",
      "cuda12-2026.4-topic": "b",
      "cuda12-stable": "c",
      "cuda12-2026.4-gone": "d",
      "cuda11-2026.4-gone": "e",
    }
    const manifests = ["a", "b", "c", "d", "e"].map((letter) => manifest(letter))
    const plan = planPrune([shared(tags, manifests)], rules)
    expect(plan.unneeded).toMatchObject([{ image: "cuda", tags: ["cuda12-2026.4-gone"] }])
    expect(plan.kept.map(({ image, kept }) => [image, kept?.because])).toEqual([
      ["base", "branch"],
      ["cuda", "branch"],
      ["cuda", "stable"],
      ["base, cuda", "foreign"],
    ])
  })

  it("keeps the journal of a set as long as one of its tags is there", () => {
    const tags = { "journal-2026.3-stable": "a", "cuda12-2026.3-stable": "b" }
    expect(unneeded([shared(tags, [manifest("a"), manifest("b")])])).toBe("")
    expect(unneeded([shared({ "journal-2026.3-stable": "a" }, [manifest("a")])])).toBe("a")
  })

  it("keeps what --keep names, with the prefix or without", () => {
    const held = [shared({ "cuda12-2026.4-gone": "a", "2026.4-gone": "b" }, [manifest("a"), manifest("b")])]
    expect(unneeded(held, { keep: ["cuda12-2026.4-gone"] })).toBe("b")
    expect(unneeded(held, { keep: ["2026.4-gone"] })).toBe("")
  })
})

describe("further tags", () => {
  const furtherOf = (...templates: readonly string[]) => {
    const tags = templates.map((template) => {
      const parts = readTemplate(template)
      if (typeof parts === "string") throw new Error(parts)
      return { template, parts }
    })
    return { furtherTags: new Map([["base", tags]]) }
  }

  it("stay, but for those that each run gives anew", () => {
    const tags = { latest: "a", "python-3.9": "b", "2025-01-31": "c", "0123456789ab": "d", exam: "e" }
    const held = [
      repository(
        tags,
        ["a", "b", "c", "d", "e"].map((letter) => manifest(letter)),
      ),
    ]
    const rules_ = furtherOf("latest", "python-{info:PY}", "{date}", "{commit}")
    expect(unneeded(held, rules_)).toBe("cd")
    expect(unneeded(held)).toBe("")
    expect(planPrune(held, { ...rules, ...rules_ }).kept.map(({ kept }) => kept)).toEqual([
      { because: "further", why: "latest" },
      { because: "further", why: "python-{info:PY}" },
      { because: "foreign", why: "exam is no tag of this pipeline" },
    ])
  })

  it("of one run are kept while they are young, or name what another tag keeps", () => {
    const held = [
      repository({ "2025-01-31": "a", latest: "a", "2026-01-31": "b" }, [
        manifest("a"),
        manifest("b", { days: 2 }),
      ]),
    ]
    expect(unneeded(held, furtherOf("latest", "{date}"))).toBe("")
  })
})

it("keeps the images of the main branch, whatever it is called", () => {
  const held = [repository({ "2026.4-main": "a", "2026.4-master": "b" }, [manifest("a"), manifest("b")])]
  const scheme = { ...quarterScheme, mainBranch: "master" }
  expect(unneeded(held, { branches: [], scheme })).toBe("a")
  expect(unneeded(held, { branches: [] })).toBe("b")
})

it("reads branches of origin and of the clone; a clone without any of origin knows too few", () => {
  const known = (references: readonly string[]) =>
    existingBranches({ kind: "known", references: [...references] })
  expect(
    known([
      "refs/heads/mine",
      "refs/heads/main",
      "refs/remotes/origin/HEAD",
      "refs/remotes/origin/main",
      "refs/remotes/origin/a/b",
    ]),
  ).toEqual(["main", "a/b", "mine"])
  expect(known(["refs/heads/main"])).toContain("--branch")
  expect(existingBranches({ kind: "unknown", why: "no repository" })).toBe("no repository")
})

describe("the report", () => {
  const held = [
    repository({ [candidate]: "a", [passed]: "a", "2026.4-gone": "a", "2026.4-main": "b", exam: "c" }, [
      manifest("a", { days: 45.5 }),
      manifest("b"),
      manifest("c"),
    ]),
  ]
  const plan = planPrune(held, rules)

  it("has a line for each digest that fits into 80 columns", () => {
    const text = markdownForTerminal(renderPruneMarkdown(plan, { olderThan: "30 d", now }), {
      ...plainScreen,
      columns: 80,
    })
    expect(text).toContain(
      "1 digest with 3 tags, older than 30 d, is needed by nothing.\n\nNothing was deleted",
    )
    expect(text).toMatch(/^base {3}aaaaaaaaaaaa {2}45 d {2}2026\.4-gone, candidate-/m)
    expect(text).toMatch(/^base {3}1 {8}1 {5}the tag of a branch$/m)
    expect(text).toMatch(/^base {3}1 {8}1 {5}not of this pipeline$/m)
    for (const line of text.split("\n").filter((each) => each.startsWith("base")))
      expect(line.length).toBeLessThan(81)
  })

  it("tells what was deleted, and why it ended", () => {
    const render = (outcome: Parameters<typeof renderPruneMarkdown>[1]["outcome"]) =>
      renderPruneMarkdown(plan, { olderThan: "30 d", now, outcome })
    expect(render({ deleted: plan.unneeded })).toContain("1 digest with 3 tags deleted.")
    expect(render({ deleted: [], problem: "405" })).toContain("Nothing was deleted: 405.")
  })

  it("says how GHCR is told to delete, where there is something to delete", () => {
    const text = deletingByHand("ghcr.io", plan.unneeded) ?? ""
    expect(text).toContain("gh api --method DELETE '/orgs/org/packages/container/base/versions/ID'")
    expect(text).toContain(`select(.name == "${digestOf("a")}")`)
    expect(deletingByHand("ghcr.io", [])).toBeUndefined()
    expect(deletingByHand("10.87.0.1:5000", plan.unneeded)).toBeUndefined()
  })
})
