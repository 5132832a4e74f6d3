import { absentMark } from "../manifest/packageProbes.js"
import type { UpdateManager } from "./packageUpdates.js"

/** Prints what apt would upgrade, as the user root: the lists that images leave out are fetched first. */
const aptProgram = `
command -v apt-get >/dev/null 2>&1 || { echo ${absentMark}; exit 0; }
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
said=$(apt-get update -q -o APT::Update::Error-Mode=any 2>&1) || {
  status=$?
  # Its last words are general ones.
  echo "$said" | grep "^E:" | head -n 1 >&2
  exit "$status"
}
exec apt-get --simulate -q dist-upgrade`

/**
 * Asks pip for newer versions within the ranges of the requirements on standard input and of what is installed. What is
 * pinned is not asked about: nothing but a new lock brings it. Neither is what Debian has installed, which apt is asked about,
 * nor what comes with every virtual environment.
 */
const pipProgram = `
import json, re, subprocess, sys
from importlib.metadata import distributions
from pip._vendor.packaging.requirements import Requirement
from pip._vendor.packaging.specifiers import SpecifierSet
from pip._vendor.packaging.version import Version

def key(name):
    return re.sub(r"[-_.]+", "-", name).lower()

def pip(*words):
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    return subprocess.run(command + list(words), stdout=subprocess.PIPE, check=True, universal_newlines=True).stdout

ranges = {}

def requirement(text):
    # Behind a semicolon stands a marker, or the next command of a Dockerfile.
    for form in (text, text.split(";")[0]):
        try:
            return Requirement(form)
        except Exception:
            pass

def allow(text):
    wanted = requirement(text)
    if wanted and (wanted.marker is None or wanted.marker.evaluate({"extra": ""})):
        ranges[key(wanted.name)] = ranges.get(key(wanted.name), SpecifierSet()) & wanted.specifier

def pinned(each):
    return each.operator == "===" or (each.operator == "==" and not each.version.endswith(".*"))

def newest(name, fits):
    found = re.search("Available versions: (.*)", pip("index", "versions", name))
    return next((each for each in (found.group(1).split(", ") if found else []) if fits.contains(each)), None)

left_out = ["pip", "setuptools", "wheel"]
for each in distributions():
    if str(each.locate_file("")).startswith("/usr/lib/python3"):
        left_out.append(each.metadata["Name"])
    for text in each.requires or []:
        allow(text)
for line in sys.stdin:
    allow(line.strip())
left_out += [name for name, fits in ranges.items() if any(pinned(each) for each in fits)]
excluded = [word for name in left_out if name for word in ("--exclude", name)]
for each in json.loads(pip("list", "--outdated", "--format=json", *excluded)):
    name, have, latest = each["name"], each["version"], each["latest_version"]
    fits = ranges.get(key(name), SpecifierSet())
    best = latest if fits.contains(latest) else newest(name, fits)
    if best and Version(best) > Version(have):
        print("update", name, have, best, sep="\\t")
`

/** Of several interpreters the first that has pip, which is the one that the image's users get. */
function pipCommand(requirements: readonly string[]): string {
  return `
for python in python3 python; do
  "$python" -c "import pip" >/dev/null 2>&1 || continue
  "$python" -c '${pipProgram}' <<"STACK_REQUIREMENTS"
${requirements.join("\n")}
STACK_REQUIREMENTS
  exit
done
echo ${absentMark}`
}

/** Packages that Debian has installed are apt's, and those that come with R a matter of R's version. */
const rProgram = `
own <- installed.packages(priority = NA_character_)
own <- own[!startsWith(own[, "LibPath"], "/usr/lib/R"), , drop = FALSE]
if (nrow(own) > 0) {
  if (any(getOption("repos") == "@CRAN@")) stop("R has no repository (options repos)")
  options(warn = 2, timeout = 60)
  known <- available.packages()
  options(warn = 1)
  old <- old.packages(instPkgs = own, available = known)
  if (!is.null(old))
    cat(paste("update", old[, "Package"], old[, "Installed"], old[, "ReposVer"], sep = "\\t"), sep = "\\n")
}`

/**
 * A shell script for each package manager that prints newer versions of what is installed, for `readUpdates`, or that the
 * image does not have the package manager. They need the network that builds have.
 * @param requirements what the image's source asks of Python packages: `requirementsIn`
 */
export function updatePrograms(requirements: readonly string[]): Readonly<Record<UpdateManager, string>> {
  return {
    apt: aptProgram,
    pip: pipCommand(requirements),
    r: `command -v Rscript >/dev/null 2>&1 || { echo ${absentMark}; exit 0; }\nexec Rscript -e '${rProgram}'`,
  }
}

const name = String.raw`[A-Za-z0-9][\w.-]*(?:\[[\w,.-]*\])?`
const blanks = String.raw`[ \t]*`
const range = String.raw`(?:===|==|~=|!=|<=|>=|<|>)${blanks}[\w.*+!]+`
const marker = String.raw`[\w.'"()<>=!~ \t]+`
/** PEP 508, as lines of requirements files have it. */
const requirement = new RegExp(
  `(?<![\\w.-])${name}${blanks}${range}(?:${blanks},${blanks}${range})*(?:${blanks};${marker})?`,
  "g",
)

/** More are not looked at. */
const mostRequirements = 5000

/**
 * Python requirements with a version in a text: lines of a requirements file or a lock, and words of a Dockerfile, such as
 * `pandas>=2,<3`. What only looks like one is for a package that is not there.
 */
export function requirementsIn(text: string): readonly string[] {
  const found = [...text.matchAll(requirement)].map(([written]) => written.trim())
  return [...new Set(found)].slice(0, mostRequirements)
}
