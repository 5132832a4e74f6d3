/** Quotes a word for a POSIX shell, where it needs quotes. */
export function shellQuote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/** Joins words to a command line for a POSIX shell; the variable of the ssh agent stays one. */
export function shellCommand(words: readonly string[]): string {
  return words.map((word) => (word === agentOption ? `"${word}"` : shellQuote(word))).join(" ")
}

/**
 * `--name=value` for one value of a list: the CLI reads it as a line of CSV (RFC 4180, by pflag's StringSlice), in which
 * commas separate and quotes and line breaks are only read inside of quotes.
 */
export function listOption(name: string, value: string): string {
  const written = /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value
  return `--${name}=${written}`
}

/** What the ssh agent of a build is called among the ids of its secrets. */
export const sshAgent = "ssh:default"

/**
 * The options that give secrets again, each by a variable of the caller: a command never holds what they are.
 * @param ids what Dockerfiles call them, with `sshAgent` for the agent
 */
export function secretOptions(ids: readonly string[] = []): readonly string[] {
  return ids.flatMap((id) =>
    id === sshAgent ? [agentOption] : [listOption("secret-id", id), `--secret=env://${variableFor(id)}`],
  )
}

/** The agent is at a path that the caller's variable holds. */
const agentOption = "--ssh=$SSH_AUTH_SOCK"

/** A shell's name for the secret `npm-token`: NPM_TOKEN. */
function variableFor(id: string): string {
  return id
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]/g, "_")
    .replace(/^(?=\d|$)/, "_")
}
