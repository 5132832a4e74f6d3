import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { linkStack } from "../../dagger/lib/dockerfile/link.js"
import { readSource } from "../../dagger/lib/source/readSource.js"
import { loadSpec } from "../../dagger/lib/spec/loadSpec.js"
import { builtText, inspect, localRegistry, publish } from "../support/dockerfileBuilds.js"
import { removeFolder, workspace } from "../support/stack.js"

const linkedName = "stack.Dockerfile"
const debian = "debian:bookworm-slim"

const base = `ARG SUITE=bookworm
FROM debian:\${SUITE}-slim AS Build
ARG VERSION
ARG TARGETARCH
COPY . /src
RUN --mount=type=bind,target=/ctx \\
  # a comment
  --mount=type=cache,target=/var/cache/probe \\
    mkdir /probe && cat <<A <<-'B' > /probe/heredocs && \\
    echo "$VERSION $TARGETARCH" > /probe/args && ls -A /ctx > /probe/context
hello $VERSION
A
	world $VERSION
	B
FROM ${debian} AS triggers
ONBUILD COPY app/main.py /probe/triggered
FROM triggers
COPY --from=build /probe /probe
COPY --from=0 /src /probe/from-number
ADD archive.tar.gz /probe/unpacked/
COPY archive.tar.gz /probe/packed/
ADD app /probe/added
COPY --chown=7:8 --chmod=640 app /probe/copied
COPY --link absolute relative /probe/links/
COPY ["with space", "/probe/with space"]
COPY /../app/*.py app/l[i]b /probe/wild/
ADD . /probe/everything
COPY app/main.py <<X <<"Y" /probe/inline/
one \${VERSION} $VERSION
X
two \${VERSION}
Y
ENV KEPT=yes LANG=C
ARG VERSION=default
ARG LANG=only-while-building
ARG GONE=1
RUN env | grep -E '^(VERSION|KEPT|LANG|GONE)=' | sort > /probe/variables
WORKDIR /probe
LABEL made=here
CMD ["sh"]
`

// Its stage has the name of one of its parent's.
const child = `ARG BASE_TAG=1
FROM ${debian} AS build
RUN echo "child's" > /built
FROM REGISTRY/base:\${BASE_TAG}
COPY --from=build /built child-built
ADD --chmod=644 http://HOST/v2/ child-url.json
ARG VERSION=child
RUN env | grep -E '^(VERSION|KEPT|LANG)=' | sort > child-variables && echo "[$GONE]" > child-gone
ADD --chown=1 archive.tar.gz child
COPY --from=REGISTRY/base:1 /probe/args parent-args
RUN --mount=type=bind,from=${debian},source=/etc,target=/mnt cat /mnt/debian_version > version
ENTRYPOINT ["env"]
USER 1000
`

const grandchild = `FROM REGISTRY/child:1 AS build
ARG VERSION=grandchild
RUN env | grep -E '^(VERSION|KEPT|LANG)=' | sort > /tmp/variables
FROM build
USER root
COPY --from=build /tmp/variables grandchild-variables
COPY --from=REGISTRY/base:1 /probe/args grandparent-args
`

const ignored = "*.log\n**/*.log\n**.pyc\n!app/keep.log\nempty/*\n"

let registry = ""
let folder = ""

beforeAll(async () => {
  const random = Math.random().toString(36).slice(2, 10)
  const host = localRegistry()
  registry = `${host}/linker-${random}`
  folder = await workspace(
    {
      "spec.yml": JSON.stringify({
        images: {
          base: { image_name: `${registry}/base`, build_args: { VERSION: "1.2 $3" } },
          child: { image_name: `${registry}/child`, depend_on: "base" },
          grandchild: { image_name: `${registry}/grandchild`, depend_on: "child" },
        },
        tag: { prefix: "2026.4" },
      }),
      "images/base/Dockerfile": base,
      "images/base/.dockerignore": ignored,
      "images/base/app/main.py": "print()\n",
      "images/base/app/lib/deep.py": "deep\n",
      "images/base/app/lib/skipped.log": "",
      "images/base/app/keep.log": "",
      "images/base/app/x.pyc": "",
      "images/base/empty/nothing": "",
      "images/base/with space/file name": "",
      "images/base/absolute": { symlink: "/app/main.py" },
      "images/base/relative": { symlink: "app/lib" },
      "images/child/Dockerfile": child.replaceAll("REGISTRY", registry).replace("HOST", host),
      "images/grandchild/Dockerfile": grandchild.replaceAll("REGISTRY", registry),
    },
    // Modes that a build must neither lose nor take from the folder around a context.
    { git: false, modes: { "images/base/app/main.py": 0o755 } },
  )
  for (const image of ["base", "child"]) archive(join(folder, "images", image, "archive.tar.gz"))
  execFileSync("chmod", ["0777", join(folder, "images/base")])
  execFileSync("chmod", ["0700", join(folder, "images/base/app")])
  await writeLinked(folder)
})

afterAll(() => removeFolder(folder))

describe("the linked Dockerfile", () => {
  const linked = (target: string) => ({ folder, dockerfile: linkedName, target })

  it("builds what each Dockerfile builds by itself, children on their published parents", async () => {
    const apart = { folder: join(folder, "images/base"), buildArgs: { VERSION: "1.2 $3" } }
    expect(await inspect(linked("base"))).toEqual(await inspect(apart))
    await publish([[apart, `${registry}/base:1`]])
    const built = await inspect(linked("child"))
    const childApart = { folder: join(folder, "images/child") }
    const alone = await inspect(childApart)
    // What is different by itself: an argument of the parent is empty in its child, where it would not be set.
    expect(built).toEqual(alone)
    await publish([[childApart, `${registry}/child:1`]])
    const grandchildApart = { folder: join(folder, "images/grandchild") }
    expect(await inspect(linked("grandchild"))).toEqual(await inspect(grandchildApart))
  })

  it("gives children the layers of their parent, to the byte", async () => {
    const [parent = [], layers = []] = await publish([
      [linked("base"), `${registry}/linked-base:1`],
      [linked("child"), `${registry}/linked-child:1`],
    ])
    expect(parent.length).toBeGreaterThan(2)
    expect(layers.slice(0, parent.length)).toEqual(parent)
    expect(layers.length).toBeGreaterThan(parent.length)
  })
})

describe("a linked build", () => {
  it("is not repeated for files that no instruction reads", async () => {
    const dockerfile = `FROM ${debian}\nCOPY app /app\nRUN head -c 16 /dev/urandom | od -x > /random\n`
    const images = { one: { image_name: `${registry}/one` }, two: { image_name: `${registry}/two` } }
    const stack = await workspace(
      {
        "spec.yml": JSON.stringify({ images, tag: { prefix: "2026.4" } }),
        "images/one/Dockerfile": dockerfile,
        "images/one/app/x": registry,
        "images/one/test/test_x.py": "first",
        "images/two/Dockerfile": "FROM scratch\n",
      },
      { git: false },
    )
    await writeLinked(stack)
    const build = { folder: stack, dockerfile: linkedName, target: "one" }
    // One after the other: builds at the same time do not wait for each other's results.
    const random = (changes: Readonly<Record<string, string>>) => builtText({ ...build, changes }, "/random")
    const first = await random({})
    expect(await random({ "images/one/test/test_x.py": "second", "images/two/new": "" })).toBe(first)
    expect(await random({ "images/one/app/x": `${registry} changed` })).not.toBe(first)
    await removeFolder(stack)
  })
})

/** Links the stack of a folder and writes the result into it, as a person does for plain docker. */
async function writeLinked(root: string): Promise<void> {
  const tree = await readSource(root)
  const spec = loadSpec(tree)
  const { dockerfile, dockerignore } = linkStack({ spec, tree, images: [...spec.images.keys()] }).whole
  writeFileSync(join(root, linkedName), dockerfile)
  writeFileSync(join(root, `${linkedName}.dockerignore`), dockerignore)
}

/** Packs a file of its own into an archive. */
function archive(target: string): void {
  const source = mkdtempSync(join(tmpdir(), "stack-archive-"))
  writeFileSync(join(source, "packed.txt"), "packed\n")
  execFileSync("tar", ["--create", "--gzip", `--file=${target}`, `--directory=${source}`, "packed.txt"])
  expect(readFileSync(target).length).toBeGreaterThan(0)
}
