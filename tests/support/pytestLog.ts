import type { PytestLog } from "../../dagger/lib/gpu/pytestLog.js"
import { PytestLogReader } from "../../dagger/lib/gpu/pytestLog.js"

/** Reads a whole log. */
export function readPytestLog(text: string): PytestLog {
  const reader = new PytestLogReader()
  for (const line of text.split("\n")) reader.read(line)
  return reader.log
}
