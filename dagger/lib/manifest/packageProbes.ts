import { ecosystems } from "./manifestData.js"
import { parsePackageList } from "./packageLists.js"
import type { Ecosystem, ImageManifest, OperatingSystem, PackageList } from "./manifestData.js"

/** Printed by a probe where the image does not have the package manager. */
export const absentMark = "@absent"

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
 * The license of a distribution by its metadata: an expression (PEP 639), else a line of words; classifiers where that is
 * missing, or is the license's whole text.
 */
const licenseOf = `
def license_of(expression, text, classifiers):
    if expression:
        return expression
    text = (text or "").strip()
    if text and "\\n" not in text and len(text) <= 80 and text != "UNKNOWN":
        return text
    names = [each.split(" :: ")[-1] for each in classifiers or [] if each.startswith("License :: ")]
    return " AND ".join(name for name in names if name != "OSI Approved") or None`

/** What pip itself knows of each distribution; `pip list` does not tell licenses. Descriptions stay out: they are long. */
const inspected = `
import json, sys${licenseOf}
found = []
for each in json.load(sys.stdin)["installed"]:
    metadata = each["metadata"]
    told = license_of(metadata.get("license_expression"), metadata.get("license"), metadata.get("classifier"))
    found.append({"name": metadata["name"], "version": metadata["version"], "license": told})
print(json.dumps(found))`

/** The front ends of JupyterLab that are installed where Jupyter looks for them, the nearest first. */
const frontEnds = `
import glob, json, os, shutil, sys
prefixes = [sys.prefix, "/usr/local", "/usr"]
jupyter = shutil.which("jupyter")
if jupyter:
    prefixes.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(jupyter))))
paths = [each for each in os.environ.get("JUPYTER_PATH", "").split(os.pathsep) if each]
paths += [os.path.expanduser("~/.local/share/jupyter")] + [each + "/share/jupyter" for each in prefixes]
found = []
folders = [each + "/labextensions" for each in paths if os.path.isdir(each + "/labextensions")]
for folder in folders:
    for file in sorted(glob.glob(folder + "/*/package.json") + glob.glob(folder + "/@*/*/package.json")):
        try:
            with open(file, encoding="utf-8") as opened:
                package = json.load(opened)
            license = package.get("license")
            told = license if isinstance(license, str) else None
            found.append({"name": str(package["name"]), "version": str(package["version"]), "license": told})
        except (KeyError, OSError, TypeError, AttributeError, ValueError):
            pass
print(json.dumps(found) if folders else "${absentMark}")`

/**
 * Every distribution that an interpreter without pip finds. As pip does, it leaves out what an interrupted upgrade left
 * behind: folders like `~umpy-1.0.dist-info`, whose METADATA still has the package's own name, and those without
 * METADATA, of which Python says nothing or raises, by its version.
 */
const distributions = `
import json, os${licenseOf}
from importlib.metadata import distributions
found = []
for each in distributions():
    if os.path.basename(str(getattr(each, "_path", ""))).startswith(("~", "-")):
        continue
    try:
        told = each.metadata
        license = license_of(told["License-Expression"], told["License"], told.get_all("Classifier"))
        found.append({"name": told["Name"], "version": each.version, "license": license})
    except (KeyError, OSError, TypeError):
        pass
print(json.dumps(found))`

const installedForR = `
p <- installed.packages(fields = c("Repository", "biocViews"))
from <- ifelse(is.na(p[, "biocViews"]), p[, "Repository"], "Bioconductor")
from[p[, "Priority"] %in% "base"] <- "R"
license <- gsub("[[:space:]]+", " ", p[, "License"])
cat(paste("package", p[, "Package"], p[, "Version"], license, from, sep = "\\t"), sep = "\\n")`

const scripts: Readonly<Record<Ecosystem, string>> = {
  // Only installed packages: removed ones whose configuration remains are listed as "rc".
  apt: guarded(
    "dpkg-query",
    "dpkg-query -W -f='${db:Status-Abbrev}\\t${Package}\\t${Version}\\t${Architecture}\\t${source:Package}\\t${source:Version}\\n'",
  ),
  // The pip that the image's users get; an interpreter without pip is asked itself, as pip would.
  pip: [
    "export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1",
    "if command -v pip >/dev/null 2>&1; then",
    `  pip inspect 2>/dev/null | python3 -c '${inspected}' 2>/dev/null && exit 0`,
    "  exec pip list --format=json",
    "fi",
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
    `Rscript -e '${installedForR}'`,
  ),
  conda: guarded("conda", "conda list --json"),
  npm: guarded("python3", `exec python3 -c '${frontEnds}'`),
}

/** Tells the distribution: os-release(5), which may lie in either place. */
export const osProbe = "cat /etc/os-release 2>/dev/null || cat /usr/lib/os-release"

/** One probe for each package manager. They write nothing, and none needs the network. */
export const packageProbes: readonly PackageProbe[] = ecosystems.map((ecosystem) => ({
  ecosystem,
  command: scripts[ecosystem],
}))

/** Reads a probe's output; what cannot be read is a `failed` list with its reason, never an empty one. */
export function readProbe(ecosystem: Ecosystem, output: ProbeOutput): PackageList {
  const failure = probeFailure(output)
  if (failure !== undefined) return { kind: "failed", reason: failure }
  const { stdout } = output
  if (stdout.trim() === absentMark) return { kind: "absent" }
  try {
    return { kind: "listed", packages: [...parsePackageList(ecosystem, stdout)] }
  } catch (error) {
    return { kind: "failed", reason: error instanceof Error ? error.message : String(error) }
  }
}

/** Why a probe has no answer, in its own last words; undefined where it has one. */
export function probeFailure({ exitCode, stdout, stderr = "" }: ProbeOutput): string | undefined {
  if (exitCode === 0) return undefined
  const said = lastLine(stderr) ?? lastLine(stdout)
  return `exit status ${exitCode}${said === undefined ? "" : `: ${said}`}`
}

/** Reads the outputs of all probes that ran, for a manifest's `packages`. */
export function readProbes(outputs: ReadonlyMap<Ecosystem, ProbeOutput>): ImageManifest["packages"] {
  return Object.fromEntries(
    [...outputs].map(([ecosystem, output]) => [ecosystem, readProbe(ecosystem, output)]),
  )
}

/**
 * The distribution that an image's os-release names; undefined where there is none.
 * https://www.freedesktop.org/software/systemd/man/latest/os-release.html
 */
export function readOsRelease({ exitCode, stdout }: ProbeOutput): OperatingSystem | undefined {
  if (exitCode !== 0) return undefined
  const lines = stdout.matchAll(/^([A-Z_]+)=(?:"([^"]*)"|'([^']*)'|(\S*))\s*$/gm)
  const fields = new Map([...lines].map(([, key, ...values]) => [key, values.find(Boolean)]))
  const [id, version, name] = ["ID", "VERSION_ID", "PRETTY_NAME"].map((key) => fields.get(key))
  if (id === undefined) return undefined
  return { id, ...(version !== undefined && { version }), ...(name !== undefined && { name }) }
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
