import { readFile } from "node:fs/promises"
import { join } from "node:path"
import type { ImageReport, StackReport } from "../../dagger/lib/report/report.js"
import type { TestResult } from "../../dagger/lib/testing/testRun.js"
import type { Files } from "./source.js"

/** A small image that can run tests. All of these images start with the same text, so that it is built once. */
const withPytest = `FROM debian:bookworm-slim
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends python3-pytest >/dev/null
RUN useradd --create-home --uid 1000 student
`

/** Files of an image with pytest and a user "student"; the lines are added to its Dockerfile. */
export function imageFiles(lines: readonly string[], files: Files = {}): Files {
  return { Dockerfile: `${withPytest}${lines.join("\n")}\nUSER student\n`, ...files }
}

/**
 * A server as a notebook server is, in little: it listens on port 8888, wants the token of JUPYTER_TOKEN, and says
 * whom it answers. Its page computes 6 * 7 at the press of a button.
 */
export const serverProgram = `
import http.server, os, urllib.parse

class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        allowed = query.get("token") == [os.environ["JUPYTER_TOKEN"]]
        self.send_response(200 if allowed else 403)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write((PAGE if allowed else "who are you?").encode())

PAGE = """<!doctype html><title>Sums</title><h1>Sums</h1>
<button onclick="document.querySelector('output').textContent = 6 * 7">compute</button> <output></output>"""
print("serving", flush=True)
http.server.ThreadingHTTPServer(("", 8888), Page).serve_forever()
`

/** Lines of a Dockerfile for an image that starts \`serverProgram\`; it belongs beside the Dockerfile as server.py. */
export const serverLines = ["COPY server.py /server.py", "EXPOSE 8888", 'CMD ["python3", "/server.py"]']

/** A report as a call exported it, with what tests want to know of it. */
export class ReadReport {
  constructor(
    readonly folder: string,
    readonly report: StackReport,
  ) {}

  /** Reads the artifacts that a call exported to a folder. */
  static async from(folder: string): Promise<ReadReport> {
    return new ReadReport(
      folder,
      JSON.parse(await readFile(join(folder, "report.json"), "utf8")) as StackReport,
    )
  }

  image(name: string): ImageReport {
    const found = this.report.images.find((image) => image.name === name)
    if (found === undefined) throw new Error(`the report has no ${name}`)
    return found
  }

  /** Every test of an image, by the name of its function. */
  tests(name: string): ReadonlyMap<string, TestResult> {
    const tests = this.image(name).suites.flatMap(({ run }) => run.tests)
    return new Map(tests.map((test) => [test.id.split("::")[1] ?? test.id, test]))
  }

  /** Text of one of the artifacts. */
  text(path: string): Promise<string> {
    return readFile(join(this.folder, path), "utf8")
  }
}
