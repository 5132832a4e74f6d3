import { describe, expect, it, test } from "vitest"
import { link, linkProblems } from "../../support/dockerfile.js"

/** The problems of one instruction, without what is the same for all of them. */
function problemsOf(instruction: string, directive = "# none"): readonly string[] {
  const dockerfile = [directive, "FROM debian", instruction]
  return linkProblems({ a: { files: { x: "" }, dockerfile } }).map((problem) =>
    problem.replace("images/a/Dockerfile:3:", ""),
  )
}

const newest =
  'write "# syntax=docker/dockerfile:1" as the first line; it comes from docker.io at every build'

describe("what only the build would refuse is refused at once", () => {
  test.each<readonly [string, string]>([
    ["COPY --chmod=64a x /", '6: "64a" is not a mode (an octal number up to 7777, such as 644)'],
    ["COPY --chmod=88888 x /", '6: "88888" is not a mode (an octal number up to 7777, such as 644)'],
    ["COPY --chwon=1 x /", '6: unknown flag --chwon (did you mean "chown"?)'],
    ["COPY --link=maybe x /", '6: --link is true or false, not "maybe"'],
    ["COPY --chown x /", "6: --chown takes a value: --chown=..."],
    ["COPY --chown=1 --chown=2 x /", "16: --chown is given a second time"],
    ["CMD --version", "5: unknown flag --version (CMD takes none)"],
    ["ENV A", "5: A has no value (ENV takes name=value)"],
    ["ENV PATH", "5: PATH has no value (ENV takes name=value)"],
    ["ENV", "4: ENV takes name=value"],
    ["ENV A=1 B", '9: "B" has no "=" (ENV takes name=value)'],
    ["ENV =1", '5: "=1" has no name (ENV takes name=value)'],
    ["LABEL a", "7: a has no value (LABEL takes name=value)"],
    ["ARG =1", "5: an ARG has a name"],
    ["USER", "5: USER takes an argument"],
    ["ONBUILD COPY --nonsense x /", "14: unknown flag --nonsense (flags of COPY: chown, chmod, from, link)"],
    ["WORKDIR 'a", "9: a single quote is not closed"],
    ["EXPOSE 99999", '8: "99999" is not a port (as 8888, 8000-8010 or 53/udp)'],
    ["SHELL bash -c", '7: SHELL takes a list: SHELL ["bash", "-c"]'],
    ["RUN [1]", "5: RUN takes a list of texts: every item stands in double quotes"],
    ['VOLUME [""]', "8: VOLUME takes at least one folder"],
    ["HEALTHCHECK --interval=5 CMD true", '13: --interval is a time, such as 30s or 1m30s, not "5"'],
    ["HEALTHCHECK --retries=x CMD true", '13: --retries is a number, not "x"'],
    ["HEALTHCHECK curl x", "13: HEALTHCHECK takes CMD and a command, or NONE"],
    ["RUN --mount=type=bnd,target=/x true", '5: "bnd" is not valid for the option "type" of a mount'],
    ["RUN --mount=tpye=bind,target=/x true", '5: a mount has no option "tpye"'],
    ["RUN --mount=type=cache,target true", '5: the option "target" of a mount takes a value'],
    ["RUN --mount=size=1g,target=/x true", '5: the option "size" is none of a mount of the type "bind"'],
    ["RUN --mount=type=cache,mode=9,target=/x true", '5: "9" is not valid for the option "mode" of a mount'],
    ["RUN --mount=type=secret true", "5: a secret mount names its id or target"],
    ["RUN --mount=type=ssh,src=/x true", "5: an ssh mount has no source"],
    [
      "RUN --mount=type=ssh,id=work true",
      '5: there is one ssh agent, "default", and this mounts "work" (leave id out)',
    ],
    [
      "COPY --exclude=*.md x /",
      `6: COPY --exclude needs the Dockerfile frontend 1.19; the engine's own has not got it (${newest})`,
    ],
    [
      "ADD --unpack x /",
      `5: ADD --unpack needs the Dockerfile frontend 1.17; the engine's own has not got it (${newest})`,
    ],
    [
      "COPY --chmod=u+x x /",
      `6: --chmod with letters needs the Dockerfile frontend 1.14; the engine's own has not got it (${newest})`,
    ],
    [
      "RUN --device=x true",
      '5: RUN --device is not part of any stable Dockerfile frontend (write "# syntax=docker/dockerfile:1-labs" as the first line; it comes from docker.io at every build)',
    ],
    ["RUN cat << EOF\nhi\nEOF", '9: the engine reads no heredoc with a blank behind "<<" (write <<EOF)'],
    [
      "RUN cat <<- 'E'\n\thi\n\tE",
      "9: the engine reads no heredoc with a blank behind \"<<\" (write <<-'E')",
    ],
  ])("%s", (instruction, problem) => {
    expect(problemsOf(instruction)).toEqual([problem])
  })

  test.each([
    "COPY --chmod=0644 --chown=a:b --link x /",
    "COPY --chmod=$MODE x /",
    "ENV A b c",
    "ENV A=1 B='x y'",
    "LABEL a b",
    'HEALTHCHECK --interval=1m30.5s --retries=3 CMD ["x"]',
    "HEALTHCHECK --interval=x NONE",
    "STOPSIGNAL --x 9",
    "EXPOSE 80 53/udp 8000-8010 127.0.0.1:80:80 $PORT",
    "RUN --network=none --mount=type=cache,target=/x,sharing=locked,uid=1 --mount=type=secret,id=x,required,env=X true",
    "RUN --mount=type=tmpfs,target=/x,size=64m --mount=target=/y,rw true",
    "RUN echo $((1 << 2))",
    "RUN [ -f x ] || [ 1 = 1 ]",
  ])("%s is accepted", (instruction) => {
    expect(problemsOf(instruction)).toEqual([])
  })

  it("but for stages that nothing needs, which builders pass over", () => {
    const odd = ["FROM debian AS odd", "COPY none /", "RUN --mount=type=bnd true", "USER ${X:?x}"]
    const linked = link({ a: [...odd, "FROM scratch"] })
    expect(linked.images.get("a")?.contextFiles).toEqual([])
    expect(linkProblems({ a: [...odd, "COPY --nonsense x /", "FROM scratch"] })).toEqual([
      expect.stringContaining("images/a/Dockerfile:5:6: unknown flag --nonsense"),
    ])
  })
})

describe("# syntax=", () => {
  const firstLine = (directive: string, instruction: string) =>
    link({ a: { files: { x: "" }, dockerfile: [directive, "FROM debian", instruction] } }).dockerfile.split(
      "\n",
    )[0]
  const own =
    "# All images of the stack in one file, linked from their Dockerfiles. From the root of the source:"

  test.each([
    ["# syntax=docker/dockerfile:1", "RUN true", own],
    ["# syntax=docker/dockerfile", "RUN true", own],
    ["#syntax = docker.io/docker/dockerfile:1.4.3", "RUN true", own],
    ["# syntax=docker/dockerfile:1.10", "RUN true", own],
    ["# syntax=docker/dockerfile:1.20", "RUN true", "# syntax=docker/dockerfile:1.20"],
    ["# syntax=docker/dockerfile:1", "COPY --exclude=y . /", "# syntax=docker/dockerfile:1"],
    ["# syntax=docker/dockerfile:1-labs", "RUN --device=x true", "# syntax=docker/dockerfile:1-labs"],
    ["# syntax=example.org/own:2", "RUN --anything true", "# syntax=example.org/own:2"],
    ["# check=skip=all", "RUN true", own],
    [
      "# check=skip=JSONArgsRecommended;error=true",
      "RUN true",
      "# check=skip=JSONArgsRecommended;error=true",
    ],
  ])("%s with %s", (directive, instruction, expected) => {
    expect(firstLine(directive, instruction)).toBe(expected)
  })

  test.each([
    ["# syntax=docker/dockerfile:1.4", "COPY --exclude=y x /", "docker/dockerfile:1.4 has not got it"],
    ["# syntax=docker/dockerfile:1.17", "COPY --exclude=y x /", "docker/dockerfile:1.17 has not got it"],
    ["# syntax=docker/dockerfile:1", "RUN --device=x true", "RUN --device is not part of any stable"],
    ["# syntax=docker/dockerfile:1", "COPY --exlcude=y x /", "unknown flag --exlcude"],
  ])("%s does not know %s", (directive, instruction, message) => {
    expect(problemsOf(instruction, directive)).toEqual([expect.stringContaining(message)])
  })
})

describe("secrets of an image", () => {
  it("are those of the stages that it needs", () => {
    const dockerfile = [
      "FROM debian AS other",
      "RUN --mount=type=secret,id=unused true",
      "FROM debian",
      "ARG NAME=b",
      "RUN --mount=type=secret,id=a,required=true --mount=type=secret,id=$NAME \\",
      "  --mount=type=secret,target=/etc/c true",
    ]
    const secrets = link({ a: dockerfile }).images.get("a")?.secrets
    expect(secrets?.map(({ id, required }) => [id, required])).toEqual([
      ["a", true],
      ["b", false],
      ["c", false],
    ])
  })
})
