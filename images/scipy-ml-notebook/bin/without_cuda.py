"""Lets PyTorch's wheel from PyPI run without the CUDA libraries, for the image's cpu flavour.

PyPI has PyTorch for x86-64 with CUDA only: its libraries name some 3 GB of nvidia-* packages as needed and are not
loaded without them. This program makes a small library for each missing one, with the functions that PyTorch looks
up under the versions it expects. Each function answers 100, which is "no device" in CUDA's numbering and an error in
the others': torch.cuda.is_available() is False, and no code path gets as far as calling the rest.
"""

import collections
import pathlib
import re
import subprocess
import sys
import sysconfig

NO_DEVICE = 100
MISSING = re.compile(r"lib(cu|nccl|nvrtc|nvshmem)")
# Symbol versions and prefixes of unversioned functions that are not named like their library.
OWNER_OF_VERSION = {"NVSHMEM": "libnvshmem_host"}
OWNER_OF_PREFIX = {"nccl": "libnccl", "cuFile": "libcufile", "cusparseLt": "libcusparseLt", "cu": "libcuda"}


def main():
    libraries = pathlib.Path(sysconfig.get_path("platlib"), "torch", "lib")
    wanted = {name: {} for name in sorted(needed(libraries)) if MISSING.match(name)}
    if not wanted:
        sys.exit(f"{libraries} needs no CUDA library: this flavour has become superfluous")
    for function, version in undefined(libraries):
        owner = owner_of(function, version, wanted)
        if owner is not None:
            wanted[owner][function] = version
    for name, functions in wanted.items():
        build(libraries / name, functions)
        print(f"{name}: {len(functions)} functions")


def needed(libraries):
    dynamic = [output("readelf", "--dynamic", file) for file in libraries.glob("*.so*")]
    return set(re.findall(r"NEEDED.*\[(.*)\]", "".join(dynamic)))


def undefined(libraries):
    """Functions that no library of PyTorch defines, each with its version or an empty text."""
    found, defined = set(), set()
    for file in libraries.glob("*.so*"):
        for kind, symbol in re.findall(r"([A-Za-z]) (\S+)$", output("nm", "--dynamic", file), re.MULTILINE):
            function, _, version = symbol.partition("@")
            if kind == "U":
                found.add((function, version.lstrip("@")))
            else:
                defined.add(function)
    return sorted((function, version) for function, version in found if function not in defined)


def owner_of(function, version, wanted):
    """The missing library that has a function; None for the C library's and the like."""
    if version:
        start = OWNER_OF_VERSION.get(version, version)
    else:
        start = next((owner for prefix, owner in OWNER_OF_PREFIX.items() if function.startswith(prefix)), None)
    return next((name for name in wanted if start and (name == start or name.startswith(f"{start}.so"))), None)


def build(target, functions):
    versions = collections.defaultdict(list)
    for function, version in functions.items():
        versions[version].append(function)
    script = "".join(f"{version} {{ {'; '.join(names)}; }};\n" for version, names in versions.items() if version)
    source = "".join(f"int {function}(void) {{ return {NO_DEVICE}; }}\n" for function in functions)
    map_file = target.with_name(f"{target.name}.map")
    map_file.write_text(script)
    command = ["gcc", "-shared", "-w", "-fPIC", f"-Wl,-soname,{target.name}", "-o", target, "-x", "c", "-"]
    if script:
        command[1:1] = [f"-Wl,--version-script={map_file}"]
    subprocess.run(command, input=source, text=True, check=True)
    map_file.unlink()


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    main()
