import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"

/** Name and address that the pipeline's commits carry. */
const author = { name: "Image pipeline", email: "image-pipeline@users.noreply.github.com" }

/** How git may log in. */
export interface GitLogin {
  /** Scheme and host that may ask for the token: nobody else gets it, wherever a redirect leads. */
  readonly origin: string
  readonly user: string
  /** Absolute path of the file with the token. */
  readonly tokenFile: string
}

/**
 * Writes a home folder whose settings git uses instead of the machine's. The token stays in its file: git gets it from
 * a helper that reads the file when the server asks, so that it is in no command line, environment, URL or
 * configuration.
 */
export async function writeGitHome(folder: string, login: GitLogin | undefined): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, ".gitconfig"), gitConfig(login))
}

function gitConfig(login: GitLogin | undefined): string {
  const sections = [
    ["user", [`name = ${author.name}`, `email = ${author.email}`]],
    // What a wiki that never had a page calls its branch on GitHub.
    ["init", ["defaultBranch = master"]],
    // A symlink in a wiki could lead to any file of this machine: it is checked out as the text it is.
    ["core", ["symlinks = false", "autocrlf = false", "quotePath = false"]],
    ["http", ["lowSpeedLimit = 1000", "lowSpeedTime = 60"]],
    ["gc", ["auto = 0"]],
    ["safe", ["directory = *"]],
    ...(login === undefined ? [] : [credentialSection(login)]),
  ] as const
  return sections
    .map(([name, settings]) => `[${name}]\n${settings.map((setting) => `\t${setting}\n`).join("")}`)
    .join("")
}

function credentialSection({ origin, user, tokenFile }: GitLogin): readonly [string, readonly string[]] {
  // "printf" and "cat" of the token's file: the token is never an argument. The comment swallows git's "get".
  const script = `!printf 'username=%s\\npassword=%s\\n' ${quoted(user)} "$(cat ${quoted(tokenFile)})" #`
  return [`credential "${origin}"`, [`helper = "${script.replaceAll(/["\\]/g, "\\$&")}"`]]
}

/** A word for a POSIX shell. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}
