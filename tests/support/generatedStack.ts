import fc from "./fastCheck.js"
import type { DockerConfig } from "./publishedConfig.js"
import type { Files } from "./source.js"

/** One image of a generated stack. */
export interface GeneratedImage {
  readonly name: string
  readonly parent?: string
  /** Further images of the stack that it takes files from. */
  readonly copies: readonly string[]
  readonly dockerfile: string
  readonly buildArgs: Readonly<Record<string, string>>
  readonly files: Files
  /** What docker would leave in its configuration, and Dagger does not. */
  readonly handsDown: DockerConfig
}

/** An image that is no part of a stack, whose triggers read the context of what is built on it. */
export const externalBase = {
  dockerfile: [
    "FROM scratch",
    "COPY data.txt /ext/data.txt",
    "COPY --chown=5:6 --chmod=640 app /ext/app",
    'ENV EXT="of the base" VERSION=ext',
    'LABEL ext="a \\"label\\"" other=1',
    "WORKDIR /ext/work",
    "EXPOSE 8888/tcp",
    "VOLUME /ext/volume",
    "STOPSIGNAL SIGINT",
    'CMD ["ext", "$EXT"]',
    "",
  ].join("\n"),
  config: {
    Shell: ["/bin/ext", "-c"],
    OnBuild: [
      "ARG VERSION",
      "COPY . /ext/all",
      "COPY *.txt /ext/some/",
      "ENV TRIGGERED=$VERSION$EXT",
      "LABEL by=trigger",
    ],
  },
} as const

/** Files of each context: spaces, letters beyond ASCII, modes, symlinks, what is ignored. */
export const context: Files = {
  "data.txt": "data\n",
  "more.txt": "more\n",
  "app/main.py": "print()\n",
  "app/lib/deep.txt": "deep\n",
  "app/skip.log": "log\n",
  "keep.log": "keep\n",
  "with space/file name": "spaces\n",
  "ünï.md": "ünï\n",
  absolute: { symlink: "/app/main.py" },
  relative: { symlink: "app/lib" },
}

const ignoreFiles = [
  "",
  "*.log\n!keep.log\n",
  "**/*.log\n",
  "app/lib/*\n# comment\n",
  "**\n!*.txt\n!app\n!packed.tar\n!with space\n!relative\n",
  "*.md\n/keep.log\n",
]

/**
 * Stacks of two to four images, each on one of those before it and with files of others, out of all that a Dockerfile may say.
 * @param registry repository below which the images are published: their FROM names `<registry>/<name>:1`
 * @param external where `externalBase` is published
 */
export function generatedStack(registry: string, external: string): fc.Arbitrary<readonly GeneratedImage[]> {
  const choices = fc.array(fc.nat(), { minLength: 1500, maxLength: 1500 })
  return choices.map((numbers) => new Writer(numbers, registry, external).stack())
}

/** What is known of a stage, and of an image by its last one. */
interface Stage {
  readonly name?: string
  /** Whether it has a shell to run commands in. */
  readonly hasShell: boolean
  /** Of SHELL. */
  shell?: readonly string[]
}

/** Writes a stack; every choice takes the next number. */
class Writer {
  private position = 0
  private count = 0
  /** Images before the one that is written, but its parent. */
  private others: readonly string[] = []

  constructor(
    private readonly numbers: readonly number[],
    private readonly registry: string,
    private readonly external: string,
  ) {}

  stack(): readonly GeneratedImage[] {
    const names = ["base", "child", "leaf", "Other"].slice(0, 2 + this.number(3))
    const shells = new Map<string, Stage>()
    return names.map((name, index) => {
      const before = names.slice(0, index)
      const parent = index === 0 ? undefined : this.pick(before)
      this.others = before.filter((each) => each !== parent)
      return this.image(name, parent, shells)
    })
  }

  private image(name: string, parent: string | undefined, shells: Map<string, Stage>): GeneratedImage {
    const escape = this.chance(5) ? "`" : "\\"
    const stages: Stage[] = []
    const lines = [...(escape === "`" ? ["# escape=`"] : []), ...this.globals()]
    const earlier = this.number(3)
    for (let index = 0; index <= earlier; index += 1) {
      const isLast = index === earlier
      const base = this.base(stages, isLast ? parent : undefined, shells)
      const stageName = isLast ? undefined : this.pick(["build", "Tools", "context", "body", undefined])
      const named = stages.some((stage) => stage.name?.toLowerCase() === stageName?.toLowerCase())
      const own = named ? undefined : stageName
      lines.push(
        "",
        `${this.spelled("FROM")} ${base.text}${own === undefined ? "" : ` ${this.spelled("AS")} ${own}`}`,
      )
      const { hasShell, shell } = base
      const stage: Stage = {
        hasShell,
        ...(shell !== undefined && { shell }),
        ...(own !== undefined && { name: own }),
      }
      // What the image's own user may not write.
      if (base.text.startsWith(`${this.registry}/`)) lines.push("USER root")
      lines.push(...this.body(stage, stages, isLast ? parent : undefined))
      if (!isLast && this.chance(3)) lines.push(...this.triggers(stage))
      if (isLast) lines.push(...this.ending(stage))
      stages.push(stage)
      if (isLast) shells.set(name, stage)
    }
    const onbuild = this.chance(2) ? ["USER root", ...this.publishedTriggers(shells.get(name))] : []
    lines.push(...onbuild.map((trigger) => `${this.spelled("ONBUILD")} ${trigger}`))
    const shell = shells.get(name)?.shell
    const text = lines.join("\n") + (this.chance(4) ? "" : "\n")
    return {
      name,
      ...(parent !== undefined && { parent }),
      copies: this.others.filter((other) => text.includes(`${this.reference(other)}:`)),
      dockerfile: escape === "`" ? withBackquotes(text) : text,
      buildArgs: this.pick([
        {},
        { VERSION: "1.2 $3" },
        { VERSION: "given", SUFFIX: "-slim" },
        { NAME: 'a"b\\c' },
      ]),
      files: { ...context, ".dockerignore": this.pick(ignoreFiles) },
      handsDown: {
        ...(onbuild.length > 0 && { OnBuild: onbuild }),
        ...(shell !== undefined && { Shell: shell }),
      },
    }
  }

  private globals(): readonly string[] {
    const lines = this.several(3, [
      "# comment \\",
      "ARG SUITE=bookworm",
      'ARG SUITE="bookworm" SUFFIX=-slim',
      "ARG VERSION",
      "ARG VERSION=global",
      "",
    ])
    // Behind a value, one without is read in two ways: it changes nothing to docker since 2024, which is followed, and
    // takes the value away to the engine's older builder, which stands in for docker here.
    const valued = lines.indexOf("ARG VERSION=global")
    const read = lines.filter((line, index) => line !== "ARG VERSION" || valued === -1 || index < valued)
    return read.concat("ARG RELEASE=bookworm-slim")
  }

  /** FROM's image; the last stage of a child starts from its parent. */
  private base(
    stages: readonly Stage[],
    parent: string | undefined,
    shells: ReadonlyMap<string, Stage>,
  ): { readonly text: string; readonly hasShell: boolean; readonly shell?: readonly string[] | undefined } {
    if (parent !== undefined) {
      const text = this.pick([`${this.reference(parent)}:1`, `${this.reference(parent)}:\${TAG:-1}`])
      const { hasShell = false, shell } = shells.get(parent) ?? {}
      return { text, hasShell, shell }
    }
    const below = stages.filter(({ name }) => name !== undefined)
    if (below.length > 0 && this.chance(2)) {
      const stage = this.pick(below)
      return { text: (stage.name ?? "").toLowerCase(), hasShell: stage.hasShell, shell: stage.shell }
    }
    if (this.others.length > 0 && this.chance(3)) {
      const other = this.pick(this.others)
      const { hasShell = false, shell } = shells.get(other) ?? {}
      return { text: `${this.reference(other)}:1`, hasShell, shell }
    }
    if (this.chance(6)) return { text: this.external, hasShell: false, shell: externalBase.config.Shell }
    if (this.chance(4)) return { text: "scratch", hasShell: false }
    return {
      text: this.pick(["debian:bookworm-slim", "debian:${RELEASE}", "docker.io/library/debian:$RELEASE"]),
      hasShell: true,
    }
  }

  private body(stage: Stage, stages: readonly Stage[], parent: string | undefined): readonly string[] {
    const kinds = [
      () => this.copy(),
      () => this.copy(),
      () => this.add(),
      () => this.variables(),
      () => this.variables(),
      () => this.configuration(),
      () => this.copyFrom(stages, parent),
      ...(stage.hasShell
        ? [
            () => this.run(),
            () => this.run(),
            () => this.mount(stages, parent),
            () => this.setShell(stage),
            () => this.seen(),
          ]
        : []),
    ]
    const first = ["WORKDIR /probe", "COPY data.txt ./"]
    const rest = Array.from({ length: 3 + this.number(4) }, () => this.pick(kinds)())
    return [...first, ...rest.flat()]
  }

  private copy(): readonly string[] {
    const n = this.next()
    return this.one([
      `COPY . /probe/all-${n}/`,
      `copy data.txt more.txt /probe/two-${n}/`,
      `COPY app /probe/app-${n}`,
      `COPY --chown=7:8 --chmod=640 app /probe/owned-${n}`,
      `COPY --link relative /probe/linked-${n}/`,
      `COPY ["with space", "/probe/with space ${n}"]`,
      `COPY *.txt /../app/l[i]b? /probe/wild-${n}/`.replace("l[i]b?", "m[a]in.p?"),
      `COPY <<ONE <<"TWO" /probe/inline-${n}/\none \${VERSION} $NAME\nONE\ntwo \${VERSION}\nTWO`,
      `COPY --chmod=0600 <<-TABS /probe/tabs-${n}\n\ttabs\n\tTABS`,
      `COPY \\\n  # a comment\n  data.txt \\\n\n  more.txt \\\n  relative-${n}/`,
      `ENV FILE${n}=data\nCOPY \${FILE${n}}.txt "/probe/$FILE${n}-${n}"`,
      `COPY --from=debian:bookworm-slim /etc/debian_version /probe/version-${n}`,
    ])
  }

  private add(): readonly string[] {
    const n = this.next()
    return this.one([
      `ADD packed.tar /probe/unpacked-${n}/`,
      `ADD app /probe/added-${n}`,
      `ADD --chown=1 data.txt packed.tar /probe/mixed-${n}/`,
      `ADD ["data.txt", "/probe/json ${n}"]`,
      `ADD *.txt /probe/globbed-${n}/`,
      `ADD . /probe/added-all-${n}`,
    ])
  }

  private variables(): readonly string[] {
    const n = this.next()
    return this.one([
      "ARG VERSION",
      "ARG VERSION=own",
      "ARG NAME=\"a 'quoted' name\" SUITE",
      "ARG TARGETARCH",
      `ARG LATER${n}=\${VERSION:-none}`,
      "ENV VERSION=env-$VERSION",
      `ENV A${n}=1 B${n}="two words" C${n}=three\\ words D${n}='$A'`,
      `ENV OLD${n} some  old form $VERSION`,
      `ENV E${n}=\${VERSION:+set} F${n}="\${NAME:-\\"quoted\\"}" G${n}=\\$VERSION`,
      `ENV H${n}=\${VERSION#e*-} I${n}=\${VERSION%%.*} J${n}=\${NAME//a/b}`,
      `LABEL label${n}="v $VERSION" "other ${n}"='x y'`,
    ])
  }

  private configuration(): readonly string[] {
    const n = this.next()
    return this.one([
      `WORKDIR sub${n}`,
      `WORKDIR "/probe/work ${n}/$VERSION"`,
      `EXPOSE ${8000 + n} \${PORT:-53}/udp`,
      `VOLUME /volume${n} "/volume-${n}"`,
      `VOLUME ["/json${n}"]`,
      "STOPSIGNAL SIGTERM",
      'CMD ["cmd", "$VERSION"]',
      "CMD echo $VERSION && true",
      'entrypoint ["/bin/sh", "-c"]',
      "ENTRYPOINT exec top -b",
      "MAINTAINER Some Body <some@body>",
    ])
  }

  private copyFrom(stages: readonly Stage[], parent: string | undefined): readonly string[] {
    const n = this.next()
    const sources = [
      ...stages.flatMap(({ name }, index) => [
        String(index),
        ...(name === undefined ? [] : [name, name.toUpperCase()]),
      ]),
      ...(parent === undefined ? [] : [`${this.reference(parent)}:1`]),
      ...this.others.map((other) => `${this.reference(other)}:1`),
    ]
    return sources.length === 0 ? [] : [`COPY --from=${this.pick(sources)} /probe /probe/from-${n}`]
  }

  private run(): readonly string[] {
    const n = this.next()
    return this.one([
      `RUN echo "$VERSION [$NAME] $SUITE $TARGETARCH" > /probe/run-${n}`,
      `RUN <<EOF\nset -e\necho "$VERSION" > /probe/doc-${n}\n# no comment\nEOF`,
      `RUN cat <<A <<-'B' > /probe/docs-${n} && \\\n  # a comment\n  echo more >> /probe/docs-${n}\nhello $VERSION\nA\n\tworld $VERSION\n\tB`,
      `run mkdir -p /probe/dir-${n} \\\n  && ln -s dir-${n} /probe/link-${n} \\\n\n  && chmod 2750 /probe/dir-${n}`,
      `RUN ["sh", "-c", "echo $0 > /probe/exec-${n}"]`,
      `RUN rm -rf /probe/data.txt /etc/motd; ln /etc/hostname /probe/hard-${n} || true; echo 'a\\\\b' > /probe/slash-${n}`.replace(
        "ln /etc/hostname",
        "ln /etc/debian_version",
      ),
    ])
  }

  private mount(stages: readonly Stage[], parent: string | undefined): readonly string[] {
    const n = this.next()
    const froms = [
      "debian:bookworm-slim",
      ...stages.flatMap(({ name }) => name ?? []),
      ...(parent === undefined ? [] : [`${this.reference(parent)}:1`]),
      ...this.others.map((other) => `${this.reference(other)}:1`),
    ]
    const list = (path: string) =>
      `find ${path} -type f | LC_ALL=C sort | xargs -d '\\n' sha256sum > /probe/mount-${n}`
    return this.one([
      `RUN --mount=type=bind,target=/ctx ${list("/ctx")}`,
      `RUN --mount=target=/ctx,source=app,rw echo x > /ctx/new && ${list("/ctx")}`,
      `RUN --mount=type=bind,source=data.txt,target=/ctx \\\n  --mount=type=cache,target=/cache \\\n  ${list("/ctx")}`,
      `RUN --mount='type=bind,"source=with space",target=/ctx' ${list("/ctx")}`,
      `RUN --mount=type=bind,from=${this.pick(froms)},target=/ctx ls /ctx > /probe/mount-${n}`,
      `RUN --mount=type=tmpfs,target=/ctx --mount=type=bind,from=debian:bookworm-slim,source=/etc,target=/etc2 ls -d /etc2 > /probe/mount-${n}`,
    ])
  }

  /** A shell for all that follows, also in images built on this one. */
  private setShell(stage: Stage): readonly string[] {
    const shell = this.pick([
      ["/bin/bash", "-eo", "pipefail", "-c"],
      ["/bin/sh", "-ec"],
      ["/bin/sh", "-c"],
    ])
    stage.shell = shell
    return [`${this.spelled("SHELL")} ${JSON.stringify(shell)}`]
  }

  /** What tells shells apart, and variables that are empty from those that are not set. */
  private seen(): readonly string[] {
    const n = this.next()
    return this.one([
      `RUN if [[ -z "$NOPE" ]]; then echo bash; else echo sh; fi 2>/dev/null > /probe/flavour-${n} || true`,
      `RUN echo "\${VERSION-unset} \${NAME-unset} \${SUITE+set} \${TARGETARCH-unset}" > /probe/set-${n}`,
      `RUN env | grep -E '^(VERSION|NAME|SUITE|TARGETARCH|LATER.*)=' | LC_ALL=C sort > /probe/env-${n} || true`,
      `RUN ["sh", "-c", "echo \${VERSION-unset} \${NAME-unset} > /probe/exec-${n}"]`,
      `ENV SEEN${n}="\${VERSION-unset} \${NAME+set}" SEEN2_${n}=\${SUITE-unset}`,
      `LABEL seen${n}=\${VERSION-unset} seen2_${n}="\${NAME:-empty}"`,
      `COPY <<EOF /probe/heredoc-${n}\n\${VERSION-unset} \${NAME+set}\nEOF`,
      `WORKDIR /probe/\${VERSION-unset}-${n}`,
      "HEALTHCHECK --interval=5s CMD true",
    ])
  }

  /** Instructions for images built on this one. */
  private publishedTriggers(stage: Stage | undefined): readonly string[] {
    const n = this.next()
    return this.several(4, [
      `COPY data.txt /probe/published-${n}`,
      `COPY . /probe/published-all-${n}/`,
      `ADD packed.tar /probe/published-unpacked-${n}/`,
      `ENV PUBLISHED${n}=\${VERSION:-none}`,
      "ARG VERSION",
      `LABEL published${n}=yes`,
      ...(stage?.hasShell === true
        ? [
            `RUN if [[ -z "$NOPE" ]]; then echo bash; else echo sh; fi 2>/dev/null > /probe/published-shell-${n} || true`,
            `RUN --mount=type=bind,target=/ctx find /ctx -type f | LC_ALL=C sort > /probe/published-mount-${n}`,
          ]
        : []),
    ])
  }

  /** In a stage that others of the same file start from. */
  private triggers(stage: Stage): readonly string[] {
    const n = this.next()
    return this.one([
      `ONBUILD COPY data.txt /probe/triggered-${n}`,
      `ONBUILD ADD packed.tar /probe/triggered-${n}`,
      `ONBUILD ENV TRIGGERED${n}=$VERSION`,
      ...(stage.hasShell ? [`ONBUILD RUN <<EOF\necho "$VERSION" > /probe/triggered-${n}\nEOF`] : []),
    ])
  }

  private ending(stage: Stage): readonly string[] {
    const last = stage.hasShell && this.chance(2) ? ["RUN id -u > /probe/user"] : []
    const settings = this.several(2, [
      'CMD ["last"]',
      'ENTRYPOINT ["last"]',
      "LABEL last=yes",
      "USER 1000:1000",
      "ARG NUMBER=1000\nUSER ${NUMBER}",
      "# the end",
    ])
    return [...last, ...settings]
  }

  private reference(image: string): string {
    return `${this.registry}/${image.toLowerCase()}`
  }

  private spelled(keyword: string): string {
    return this.pick([
      keyword,
      keyword,
      keyword.toLowerCase(),
      `${keyword.charAt(0)}${keyword.slice(1).toLowerCase()}`,
    ])
  }

  private one(lines: readonly string[]): readonly string[] {
    return [
      ...(this.chance(6) ? ["# RUN a comment \\"] : []),
      ...(this.chance(6) ? ["", "  "] : []),
      this.pick(lines),
    ]
  }

  private several(most: number, lines: readonly string[]): readonly string[] {
    return Array.from({ length: this.number(most + 1) }, () => this.pick(lines))
  }

  private next(): number {
    this.count += 1
    return this.count
  }

  private chance(oneOf: number): boolean {
    return this.number(oneOf) === 0
  }

  private pick<T>(values: readonly T[]): T {
    const value = values[this.number(values.length)]
    if (value === undefined && values.length === 0) throw new Error("nothing to choose from")
    return value as T
  }

  private number(below: number): number {
    const number = this.numbers[this.position] ?? 0
    this.position += 1
    return number % below
  }
}

/** The same file under another escape character: at the ends of lines, and before what it escapes. */
function withBackquotes(text: string): string {
  return text
    .replaceAll(/\\(?=\n)/g, "`")
    .replaceAll(/^(?:ENV|LABEL) .*$/gm, (line) => line.replaceAll("\\", "`"))
}
