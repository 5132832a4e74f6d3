import { passing } from "./fixtureStacks.js"
import type { StackImage } from "./source.js"

/** Packages of one architecture, and of any, that pytest needs on Debian's slim image. */
const owned =
  "python3.11 python3.11-minimal libpython3.11-minimal libpython3.11-stdlib python3 python3-minimal libexpat1 libffi8 libssl3"
const shared = "python3-pytest python3-iniconfig python3-packaging python3-pluggy python3-attr"

/** What dpkg knows of a package that only linux/arm64 has; its version tells how long the file of that platform is. */
const armPackage = [
  ...["", "Package: arm-only", "Status: install ok installed", "Architecture: arm64", "Version: 1.%s"],
  ...["Maintainer: nobody", "Description: of one platform", ""],
].join("\\n")

/**
 * pytest for the platform that is built, unpacked by the machine's own: dpkg's scripts take minutes where they are
 * emulated. Debian's /lib is a link.
 */
const dockerfile = `FROM --platform=$BUILDPLATFORM debian:bookworm-slim AS python
ARG TARGETARCH
RUN dpkg --add-architecture $TARGETARCH && apt-get update -qq && mkdir /debs /python && cd /debs && \\
    apt-get download -qq -o APT::Sandbox::User=root $(for name in ${owned}; do echo $name:$TARGETARCH; done) ${shared} && \\
    for deb in *.deb; do dpkg-deb --fsys-tarfile $deb | tar -x -C /python --transform 's,^\\./lib/,./usr/lib/,'; done
FROM debian:bookworm-slim
ARG TARGETARCH
COPY --from=python /python/usr/ /usr/
RUN useradd --create-home --uid 1000 student && uname -m >/machine
COPY only-$TARGETARCH.txt /only.txt
RUN if [ $TARGETARCH = arm64 ]; then printf '${armPackage}' $(wc -c </only.txt) >>/var/lib/dpkg/status; fi
USER student
`

const tests = `import os


def test_machine(): assert open('/machine').read().strip() == os.uname().machine
def test_smoke(): assert open('/only.txt').read().strip() != "broken"
`

/**
 * An image with a test and a smoke test for linux/amd64 and linux/arm64, which reads a file of its own for each of them.
 * For the latter dpkg knows a package more, `arm-only`.
 */
export function platformBase(files: StackImage["files"] = {}): StackImage {
  return {
    info_cmds: ["OS"],
    files: {
      Dockerfile: dockerfile,
      "only-amd64.txt": "amd64\n",
      "only-arm64.txt": "arm64\n",
      "test/test_machine.py": tests,
      ...files,
    },
  }
}

/** An image on another one, with a test. */
export function platformChild(name: string, parent: string, more: StackImage = {}): StackImage {
  const lines = [
    `FROM ghcr.io/example/${parent}:latest`,
    "USER root",
    `RUN echo ${name} >/${name}`,
    "USER student",
    "",
  ]
  return {
    depend_on: parent,
    ...more,
    files: { Dockerfile: lines.join("\n"), [`test/test_${name}.py`]: passing(name), ...more.files },
  }
}
