"""Lists what the layers of an image (tar files, from the base upwards) add up to, a line of JSON for each path.

Whatever a build decides stands in the line: kind, mode, owner, content or target; not the times.
"""

import hashlib
import json
import sys
import tarfile

files: dict[str, list] = {}


def remove(path: str, below_only: bool = False) -> None:
    for known in list(files):
        if known.startswith(path + "/") or (known == path and not below_only):
            del files[known]


def describe(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> list:
    kinds = {tarfile.DIRTYPE: "directory", tarfile.SYMTYPE: "symlink", tarfile.REGTYPE: "file"}
    facts = [kinds.get(entry.type, repr(entry.type)), oct(entry.mode), entry.uid, entry.gid]
    if entry.islnk():
        # Which of two names of a file comes first in the archive is nobody's decision.
        target = files.get("/" + entry.linkname.strip("/"), ["missing"])
        return [target[0], *target[1:]]
    if entry.isfile():
        content = archive.extractfile(entry)
        assert content is not None
        return [*facts, hashlib.sha256(content.read()).hexdigest()]
    return [*facts, entry.linkname]


for layer in sys.argv[1:]:
    with tarfile.open(layer) as archive:
        for entry in archive:
            path = "/" + entry.name.strip("./") if entry.name.startswith("./") else "/" + entry.name.strip("/")
            folder, _, name = path.rpartition("/")
            if name == ".wh..wh..opq":
                remove(folder, below_only=True)
            elif name.startswith(".wh."):
                remove(f"{folder}/{name[4:]}")
                files[f"{folder}/{name[4:]}"] = ["removed"]
            else:
                if not entry.isdir():
                    remove(path)
                files[path] = describe(archive, entry)

for path in sorted(files):
    print(json.dumps([path, *files[path]]))
