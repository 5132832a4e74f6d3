import type { WantedText } from "../../tools/border.js"

/** Writes of the server to each file of its log; a write is at most 4096 bytes. */
const writesPerPart = 1024

const [start, odd, even, parts] = ["server.log", "server.log.1", "server.log.2", "server.parts"] as const
const megabyte = 1 << 20

/** The files of a server's log, for the border. */
export const serverLogTexts: readonly WantedText[] = [
  ...[start, odd, even].map((name) => ({ name, bytes: 4 * megabyte, whole: false })),
  { name: parts, bytes: megabyte, whole: true },
]

/**
 * A script that runs its arguments as a command, and keeps the command's exit status in `exit` and its output as the
 * start and the last two parts: a server that prints without an end fills no disk. `server.parts` grows by a dot with
 * each part behind the start. The files are opened before the command runs and written to by their descriptors, so that
 * one which the command replaces by a FIFO holds up nobody.
 */
export function serverScript(folder: string): string {
  const write = `dd bs=4096 count=${writesPerPart} 2>/dev/null`
  return `
keep() {
  command -v dd >/dev/null 2>&1 || { cat >&3; return; }
  ${write} >&3
  while :; do
    for part in 4 5; do
      printf . >&6
      ${write} >/proc/self/fd/$part
      [ -s /proc/self/fd/$part ] || return
    done
  done
}
exec 3>${folder}/${start} 4>${folder}/${odd} 5>${folder}/${even} 6>${folder}/${parts}
{
  "$@" 3>&- 4>&- 5>&- 6>&-
  echo $? >${folder}/exit
} 2>&1 | keep
# A service that has ended has no name any more, which the tests' container may be about to look up: it stays until
# the engine ends it with the tests.
exec sleep 86400
`
}

/** The log put together, with what was written over between its start and its end. */
export function serverLogText(texts: ReadonlyMap<string, string>): string {
  const count = (texts.get(parts) ?? "").length
  const last = count % 2 === 0 ? [odd, even] : [even, odd]
  const gone = count - last.length
  const gap =
    gone > 0 ? `\n[... left out: ${gone} parts, each of ${writesPerPart} writes of the server ...]\n` : ""
  return `${texts.get(start) ?? ""}${gap}${last.map((name) => texts.get(name) ?? "").join("")}`
}
