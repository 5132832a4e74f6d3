import { readFileSync } from "node:fs"
import { mkdir, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { simpleGit } from "simple-git"
import { failureOf, isRace, redact } from "./failure.js"
import type { SimpleGit } from "simple-git"
import type { WikiFiles } from "../../lib/wiki/wikiFiles.js"

/** How long git may be silent before it is ended, in milliseconds. */
const silence = 120_000
/** Of the environment, what git needs to find its programs and the network. */
const environmentKept = [
  "PATH",
  "TMPDIR",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "http_proxy",
  "https_proxy",
  "no_proxy",
]

/** How a push ended. */
export type PushOutcome = { readonly kind: "pushed"; readonly commit: string } | { readonly kind: "raced" }

export interface WikiRepositoryOptions {
  readonly url: string
  /** Empty or missing folder for the clone. */
  readonly clone: string
  /** Folder that `writeGitHome` wrote. */
  readonly home: string
  readonly branch?: string
  /** To be kept out of errors. */
  readonly token?: string
  readonly user?: string
}

/** A clone of a wiki's repository, of its newest commit only. All methods throw `WikiFailure`. */
export class WikiRepository {
  readonly #options: WikiRepositoryOptions
  readonly #git: SimpleGit
  #isCloned = false
  #branch = ""

  constructor(options: WikiRepositoryOptions) {
    this.#options = options
    this.#git = simpleGit({
      timeout: { block: silence },
      allowEnvironment: ["GIT_TERMINAL_PROMPT"],
      // By default it stops listening 50 ms after git's end: on a busy machine the output is lost.
      completion: { onClose: true, onExit: false },
    }).env({
      ...Object.fromEntries(environmentKept.flatMap((name) => kept(name))),
      HOME: options.home,
      LC_ALL: "C",
      GIT_TERMINAL_PROMPT: "0",
    })
  }

  /** The branch that is written to; known after `refresh`. */
  get branch(): string {
    return this.#branch
  }

  /** Takes the remote's newest state, dropping what is not pushed. An empty wiki is fine. */
  async refresh(): Promise<void> {
    const branch = this.#options.branch ?? (await this.#remoteBranch())
    if (!this.#isCloned) await this.#clone(branch)
    else if (branch !== undefined) {
      await this.#run([
        "fetch",
        "--depth=1",
        "--no-tags",
        "origin",
        `+refs/heads/${branch}:refs/remotes/origin/wiki`,
      ])
      await this.#run(["reset", "--hard", "refs/remotes/origin/wiki"])
    }
    this.#branch = branch ?? (await this.#run(["symbolic-ref", "--short", "HEAD"])).trim()
  }

  /** The wiki's files as the last `refresh` found them. */
  async files(): Promise<WikiFiles> {
    const paths = (await this.#run(["ls-files", "-z"])).split("\0").filter((path) => path !== "")
    const known = new Set(paths)
    const text = (path: string): string | undefined =>
      known.has(path) ? readFileSync(join(this.#options.clone, path), "utf8") : undefined
    return { paths, text }
  }

  /** Writes files and commits them. @returns whether there is a commit; none where git sees no difference */
  async commit(files: ReadonlyMap<string, string>, message: string): Promise<boolean> {
    await writeFiles(this.#options.clone, files)
    // A wiki's own .gitignore does not concern us.
    await this.#run(["add", "--force", "--", ...files.keys()])
    if ((await this.#run(["status", "--porcelain", "--untracked-files=no"])) === "") return false
    await this.#run(["commit", "--quiet", "--no-verify", "--no-gpg-sign", "-m", message])
    return true
  }

  /** Pushes the commit, never by force. */
  async push(): Promise<PushOutcome> {
    const output = await this.#attempt(["push", "--porcelain", "origin", `HEAD:refs/heads/${this.#branch}`])
    if (!output.isFine && isRace(output.text)) return { kind: "raced" }
    if (!output.isFine) throw this.#failure(output.text)
    return { kind: "pushed", commit: (await this.#run(["rev-parse", "HEAD"])).trim() }
  }

  /** The default branch; the one there is where HEAD names none; undefined for an empty repository. */
  async #remoteBranch(): Promise<string | undefined> {
    const listing = await this.#run(["ls-remote", "--symref", this.#options.url, "HEAD", "refs/heads/*"])
    const head = /^ref: refs\/heads\/(\S+)\tHEAD$/m.exec(listing)?.[1]
    const branches = [...listing.matchAll(/^[0-9a-f]+\trefs\/heads\/(.+)$/gm)].map((match) => match[1] ?? "")
    if (head !== undefined && branches.includes(head)) return head
    return ["master", "main"].find((name) => branches.includes(name)) ?? branches[0]
  }

  async #clone(branch: string | undefined): Promise<void> {
    const { url, clone } = this.#options
    const wanted = branch === undefined ? [] : ["--branch", branch]
    await mkdir(dirname(clone), { recursive: true })
    await this.#run(["clone", "--quiet", "--depth=1", "--no-tags", ...wanted, url, clone])
    await this.#git.cwd(clone)
    this.#isCloned = true
  }

  async #run(command: readonly string[]): Promise<string> {
    const { isFine, text } = await this.#attempt(command)
    if (isFine) return text
    throw this.#failure(text)
  }

  async #attempt(command: readonly string[]): Promise<{ readonly isFine: boolean; readonly text: string }> {
    try {
      return { isFine: true, text: await this.#git.raw([...command]) }
    } catch (error) {
      return { isFine: false, text: error instanceof Error ? error.message : String(error) }
    }
  }

  #failure(output: string): Error {
    const { url, token, user } = this.#options
    return failureOf(redact(output, token, user), url, token !== undefined)
  }
}

/** Writes files below a folder, by their relative paths. */
export async function writeFiles(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  for (const [path, text] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
}

function kept(name: string): readonly (readonly [string, string])[] {
  const value = process.env[name]
  return value === undefined ? [] : [[name, value]]
}
