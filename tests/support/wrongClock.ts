import { execFileSync } from "node:child_process"
import { existsSync } from "node:fs"
import { mkdtemp, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { removeFolder } from "./stack.js"

const library = "/usr/lib/x86_64-linux-gnu/faketime"

/**
 * A runc that puts libfaketime into every container: their programs see another time of day than this machine, and
 * the same passing of time. Programs in Go ask the kernel directly, so that engine and registry keep their clocks.
 */
const wrapper = (folder: string, runc: string) => `#!/usr/bin/python3
import json, os, sys

arguments = sys.argv[1:]
offset = open("${folder}/offset").read().strip()
if offset and "--bundle" in arguments:
    path = os.path.join(arguments[arguments.index("--bundle") + 1], "config.json")
    with open(path) as file:
        config = json.load(file)
    config["process"]["env"] += [
        "LD_PRELOAD=/opt/faketime/libfaketime.so.1", "FAKETIME=" + offset, "FAKETIME_DONT_FAKE_MONOTONIC=1",
    ]
    config["mounts"].append({
        "destination": "/opt/faketime", "type": "bind", "source": "${library}", "options": ["rbind", "ro"],
    })
    with open(path, "w") as file:
        json.dump(config, file)
os.execv("${runc}", ["runc", *arguments])
`

/** A clock for the containers of an engine that is started with `path` first in PATH; at first it is right. */
export class WrongClock {
  private constructor(readonly path: string) {}

  /** @throws Error where Debian's package libfaketime is not installed */
  static async make(): Promise<WrongClock> {
    if (!existsSync(library)) throw new Error(`${library} is missing: apt-get install libfaketime`)
    const runc = execFileSync("bash", ["-c", "command -v runc"], { encoding: "utf8" }).trim()
    const clock = new WrongClock(await mkdtemp(join(tmpdir(), "clock-")))
    await clock.set("")
    await writeFile(join(clock.path, "runc"), wrapper(clock.path, runc), { mode: 0o755 })
    return clock
  }

  /** Sets it for containers that start from now on: `+400d`, `-400d`, or nothing for the right time. */
  set(offset: string): Promise<void> {
    return writeFile(join(this.path, "offset"), offset)
  }

  remove(): Promise<void> {
    return removeFolder(this.path)
  }
}
