import { describe, expect, test } from "vitest"
import type { TagStore } from "../../../dagger/lib/registry/moveTag.js"
import type { Publishing } from "../../../dagger/lib/report/report.js"
import { execute } from "../../../dagger/lib/run/execute.js"
import type { EndedImage, Execution, ImageJob } from "../../../dagger/lib/run/execution.js"
import { readTemplate } from "../../../dagger/lib/tag/furtherTags.js"
import { withoutEngine } from "../../support/absentEngine.js"
import { executionFor, jobOf, memoryTags, publishedDigest } from "../../support/imageJobs.js"

withoutEngine()

const digest = publishedDigest
const older = `sha256:${"0".repeat(64)}`

/** A published image that gets further tags. */
function job(
  name: string,
  templates: readonly string[],
  {
    action = "retag",
    isForRun = true,
    ...more
  }: { readonly action?: ImageJob["action"]; readonly isForRun?: boolean } & Partial<ImageJob> = {},
): ImageJob {
  const furtherTags = templates.map((template) => {
    const parts = readTemplate(template)
    if (typeof parts === "string") throw new Error(parts)
    return { template, parts, isForRun }
  })
  return {
    ...jobOf(name, action),
    furtherTags,
    tagCommands: new Map([["PY", "python -V"]]),
    ...more,
  }
}

async function run(
  tags: TagStore,
  publishing: Publishing,
  jobs: readonly ImageJob[],
  more: Partial<Execution> = {},
): Promise<ReadonlyMap<string, EndedImage>> {
  const execution = executionFor(jobs, { publishing, ...more })
  return new Map((await execute(execution, tags)).map((image) => [image.job.name, image]))
}

/** An image that prints this, whatever it is asked. */
const saying = (text: string): Pick<Execution, "askPublished"> => ({
  askPublished: (_, commands) =>
    Promise.resolve(new Map([...commands.keys()].map((key) => [key, { kind: "printed", text } as const]))),
})

describe("further tags", () => {
  test.each<Publishing>(["together", "each"])("move with those of the run: %s", async (publishing) => {
    const tags = new Map<string, string>()
    const images = await run(memoryTags(tags), publishing, [
      job("base", ["latest", "{date}"]),
      job("leaf", []),
    ])
    expect([...tags]).toEqual([
      ["example/base:2026.4-main", digest],
      ["example/leaf:2026.4-main", digest],
      ["example/base:latest", digest],
      ["example/base:2026-11-27", digest],
    ])
    expect(images.get("base")).toMatchObject({ published: true, furtherTags: ["latest", "2026-11-27"] })
    expect(images.get("leaf")?.furtherTags).toBeUndefined()
  })

  test("are given to an image that has the run's tag already, too", async () => {
    const tags = new Map([
      ["example/base:2026.4-main", digest],
      ["example/base:latest", older],
    ])
    const images = await run(memoryTags(tags), "together", [job("base", ["latest"], { action: "reuse" })])
    expect(tags.get("example/base:latest")).toBe(digest)
    expect(images.get("base")).toMatchObject({
      published: true,
      outcome: { kind: "reused" },
      furtherTags: ["latest"],
    })
  })

  test("are given by no run of another branch, and by none that publishes nothing", async () => {
    const tags = new Map<string, string>()
    await run(memoryTags(tags), "together", [job("base", ["latest"], { isForRun: false })])
    await run(memoryTags(tags), "nothing", [job("base", ["latest"])])
    await run(memoryTags(tags), "candidates", [job("base", ["latest"])])
    expect([...tags.keys()]).toEqual(["example/base:2026.4-main"])
  })

  test("begin with what tells the image from others of its repository", async () => {
    const tags = new Map<string, string>()
    const repository = { registry: "ghcr.io", path: "example/shared", tagPrefix: "cuda12-" }
    await run(memoryTags(tags), "together", [job("cuda", ["latest"], { repository })])
    expect([...tags.keys()]).toEqual(["example/shared:cuda12-2026.4-main", "example/shared:cuda12-latest"])
  })

  test("have what the image prints, of the commands that they name", async () => {
    const tags = new Map<string, string>()
    const asked: unknown[] = []
    const { askPublished } = saying("3.12.4\n")
    await run(memoryTags(tags), "together", [job("base", ["python-{info:PY}"]), job("leaf", ["latest"])], {
      askPublished: (image, commands) => {
        asked.push([image.path, image.digest, [...commands]])
        return askPublished(image, commands)
      },
    })
    expect(asked).toEqual([["example/base", digest, [["PY", "python -V"]]]])
    expect(tags.get("example/base:python-3.12.4")).toBe(digest)
  })
})

describe("no tag of a run moves", () => {
  test.each([
    ["an image prints no part of a tag", "x; rm -rf /", '"x; rm -rf /"'],
    [
      "an image prints what begins like another one's tags",
      "da12-2026.4-main",
      "begins like the tags of another image",
    ],
  ])("where %s", async (_, text, message) => {
    const tags = new Map([["example/shared:2026.4-main", older]])
    const repository = { registry: "ghcr.io", path: "example/shared" }
    const images = await run(
      memoryTags(tags),
      "together",
      [
        job("cpu", ["cu{info:PY}"], { repository }),
        job("cuda", [], { repository: { ...repository, tagPrefix: "cuda12-" } }),
      ],
      saying(text),
    )
    expect([...tags]).toEqual([["example/shared:2026.4-main", older]])
    expect(images.get("cpu")).toMatchObject({
      published: false,
      outcome: { kind: "publish-failed", message: expect.stringContaining(message) as string },
    })
    expect(images.get("cuda")).toMatchObject({
      published: false,
      outcome: { reason: expect.stringContaining("not tagged cuda12-2026.4-main") as string },
    })
  })

  test("where the registry refuses one of another image: all are put back, and the new ones stay", async () => {
    const tags = new Map([
      ["example/base:2026.4-main", older],
      ["example/base:latest", older],
    ])
    const jobs = [job("base", ["latest", "{date}"]), job("refused", [])]
    const images = await run(memoryTags(tags, "example/refused"), "together", jobs)
    expect(tags).toEqual(
      new Map([
        ["example/base:2026.4-main", older],
        ["example/base:latest", older],
        ["example/base:2026-11-27", digest],
      ]),
    )
    const base = images.get("base")
    expect(base).toMatchObject({
      published: false,
      furtherTags: ["2026-11-27"],
      outcome: { kind: "not-needed" },
    })
    expect(base?.outcome).toMatchObject({
      reason: expect.stringContaining("not tagged 2026.4-main and latest") as string,
    })
    expect(base?.record.notices.join()).toContain("base:2026-11-27 is new and stays")
  })

  test("where the registry refuses a further one: its image has failed, and its own are put back", async () => {
    const tags = new Map([["example/base:2026.4-main", older]])
    const store = memoryTags(tags)
    const refusing: TagStore = {
      ...store,
      write: (repository, written, tag) =>
        tag === "latest" ? Promise.reject(new Error("403 denied")) : store.write(repository, written, tag),
    }
    const images = await run(refusing, "together", [job("base", ["latest"])])
    expect([...tags]).toEqual([["example/base:2026.4-main", older]])
    expect(images.get("base")).toMatchObject({
      published: false,
      outcome: { kind: "publish-failed", message: expect.stringContaining("base:latest: 403") as string },
    })
  })

  test("unseen: a further tag that another run has written meanwhile is told", async () => {
    const tags = new Map<string, string>()
    const store = memoryTags(tags)
    const beside: TagStore = {
      ...store,
      write: async (repository, written, tag) => {
        await store.write(repository, written, tag)
        if (tag === "latest") tags.set("example/base:latest", older)
      },
    }
    const images = await run(beside, "together", [job("base", ["latest"])])
    expect(images.get("base")).toMatchObject({
      published: true,
      furtherTags: [],
      outcome: {
        kind: "publish-failed",
        message: expect.stringContaining("another run has written it since") as string,
      },
    })
  })
})
