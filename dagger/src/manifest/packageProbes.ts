import { ecosystems } from "./manifestData.js"
import { parsePackageList } from "./packageLists.js"
import type { Ecosystem, ImageManifest, PackageList } from "./manifestData.js"

/** Printed by a probe where the image does not have the package manager. */
const absentMark = "@absent"

/** A shell script (`sh -c`) that lists an image's packages, or prints that the package manager is absent. */
export interface PackageProbe {
  readonly ecosystem: Ecosystem
  readonly command: string
}

/** What a probe gave when it ran in the image. */
export interface ProbeOutput {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr?: string
}

/**
 * Every distribution that an interpreter without pip finds. As pip does, it leaves out what an interrupted upgrade left
 * behind: folders like `~umpy-1.0.dist-info`, whose METADATA still has the package's own name, and those without
 * METADATA, of which Python says nothing or raises, by its version.
 */
const distributions = `
import json, os
from importlib.metadata import distributions
found = []
for each in distributions():
    if os.path.basename(str(getattr(each, "_path", ""))).startswith(("~", "-")):
        continue
    try:
        found.append({"name": each.metadata["Name"], "version": each.version})
    except (KeyError, OSError, TypeError):
        pass
print(json.dumps(found))`

const scripts: Readonly<Record<Ecosystem, string>> = {
  // Only installed packages: removed ones whose configuration remains are listed as "rc".
  apt: guarded("dpkg-query", "dpkg-query -W -f='${db:Status-Abbrev}\\t${Package}\\t${Version}\\n'"),
  // The pip that the image's users get; an interpreter without pip is asked itself, as pip would.
  pip: [
    "export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1",
    "if command -v pip >/dev/null 2>&1; then exec pip list --format=json; fi",
    "for python in python3 python; do",
    '  if command -v "$python" >/dev/null 2>&1; then',
    `    exec "$python" -c '${distributions}'`,
    "  fi",
    "done",
    `echo ${absentMark}`,
  ].join("\n"),
  r: guarded(
    "Rscript",
    // A profile may print too: each line of ours is marked.
    `Rscript -e 'p <- installed.packages(); cat(paste0("package\\t", p[, "Package"], "\\t", p[, "Version"], "\\n"), sep = "")'`,
  ),
  conda: guarded("conda", "conda list --json"),
}

/** One probe for each package manager. They write nothing, and none needs the network. */
export const packageProbes: readonly PackageProbe[] = ecosystems.map((ecosystem) => ({
  ecosystem,
  command: scripts[ecosystem],
}))

/** Reads a probe's output; what cannot be read is a `failed` list with its reason, never an empty one. */
export function readProbe(ecosystem: Ecosystem, { exitCode, stdout, stderr = "" }: ProbeOutput): PackageList {
  if (exitCode !== 0) {
    const said = lastLine(stderr) ?? lastLine(stdout)
    return { kind: "failed", reason: `exit status ${exitCode}${said === undefined ? "" : `: ${said}`}` }
  }
  if (stdout.trim() === absentMark) return { kind: "absent" }
  try {
    return { kind: "listed", packages: [...parsePackageList(ecosystem, stdout)] }
  } catch (error) {
    return { kind: "failed", reason: error instanceof Error ? error.message : String(error) }
  }
}

/** Reads the outputs of all probes that ran, for a manifest's `packages`. */
export function readProbes(outputs: ReadonlyMap<Ecosystem, ProbeOutput>): ImageManifest["packages"] {
  return Object.fromEntries(
    [...outputs].map(([ecosystem, output]) => [ecosystem, readProbe(ecosystem, output)]),
  )
}

function guarded(tool: string, script: string): string {
  return `if ! command -v ${tool} >/dev/null 2>&1; then echo ${absentMark}; exit 0; fi\n${script}`
}

function lastLine(text: string): string | undefined {
  return text
    .split("\n")
    .map((line) => line.trim())
    .findLast((line) => line !== "")
}
