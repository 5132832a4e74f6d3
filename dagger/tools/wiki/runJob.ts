import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { z } from "zod"
import { InvalidImageManifest } from "../../lib/manifest/manifestData.js"
import { InvalidReference } from "../../lib/reference/reference.js"
import { lookUp } from "../../lib/wiki/lookup.js"
import { checkPages } from "../../lib/wiki/pageCheck.js"
import { updateWiki } from "../../lib/wiki/update.js"
import { WikiProblem } from "../../lib/wiki/wikiIndex.js"
import { wikiAddress } from "./address.js"
import { redact, WikiFailure } from "./failure.js"
import { writeGitHome } from "./gitHome.js"
import { wikiJobSchema } from "./job.js"
import { WikiRepository, writeFiles } from "./wikiRepository.js"
import type { WikiChange } from "../../lib/wiki/change.js"
import type { WikiOptions, WikiUpdate } from "../../lib/wiki/update.js"
import type { WikiAddress } from "./address.js"
import type { UpdateFacts, WikiJob, WikiJobInput, WikiResult } from "./job.js"

/**
 * A rejected push means that another writer's went through, so that of N writers none is rejected more than N - 1
 * times, but for a held lock: enough for twenty, with a reserve.
 */
const defaultTries = 40
/** Troubles of server or network in a row after which the last one is reported. */
const mostTroubles = 5
/** Longest pause before another try, in milliseconds. */
const longestPause = 4000

/** Does a job. What fails comes back as a result, with the token in none of its texts. */
export async function runWikiJob(input: WikiJobInput): Promise<WikiResult> {
  let token: string | undefined
  let user: string | undefined
  try {
    const job = wikiJobSchema.parse(input)
    user = job.user
    token = job.tokenFile === undefined ? undefined : await readToken(job.tokenFile)
    return await inFolder(job.workFolder, (folder) => runIn(folder, job, token))
  } catch (error) {
    const { kind, message } = asFailure(error)
    return { kind: "failed", reason: kind, message: redact(message, token, user) }
  }
}

async function runIn(folder: string, job: WikiJob, token: string | undefined): Promise<WikiResult> {
  const address = wikiAddress(job.url, token !== undefined)
  const repository = await prepare(folder, job, address, token)
  const { action } = job
  if (action.kind === "update") return await publish(repository, job, action.change, address)
  await repository.refresh()
  const files = await repository.files()
  if (action.kind === "check") return { kind: "checked", ...checkPages(files, action.images) }
  return { kind: "entries", entries: action.references.map((reference) => lookUp(files, reference)) }
}

async function prepare(
  folder: string,
  job: WikiJob,
  { url, origin }: WikiAddress,
  token: string | undefined,
): Promise<WikiRepository> {
  const { user, tokenFile, branch } = job
  const home = join(folder, "home")
  const needsLogin = origin !== undefined && tokenFile !== undefined
  await writeGitHome(home, needsLogin ? { origin, user, tokenFile: resolve(tokenFile) } : undefined)
  return new WikiRepository({
    url,
    clone: join(folder, "clone"),
    home,
    user,
    ...(branch !== undefined && { branch }),
    ...(token !== undefined && { token }),
  })
}

/** Fetch, regenerate, commit, push; when another writer was faster, again from fetch. */
async function publish(
  repository: WikiRepository,
  job: WikiJob,
  change: WikiChange,
  address: WikiAddress,
): Promise<WikiResult> {
  const most = job.tries ?? defaultTries
  let troubles = 0
  for (let tries = 1; tries <= most; tries += 1) {
    try {
      const result = await publishOnce(repository, job, change, { links: address.repository, tries })
      if (result !== "raced") return result
      troubles = 0
    } catch (error) {
      troubles += 1
      if (!(error instanceof WikiFailure) || !error.isTemporary || troubles >= mostTroubles) throw error
    }
    // Random pauses part writers that started together.
    await sleep(Math.random() * Math.min(longestPause, 100 * 2 ** tries))
  }
  throw new WikiFailure(
    "raced",
    `other writers of the wiki ${address.url} were faster in each of ${most} tries: run it again`,
  )
}

async function publishOnce(
  repository: WikiRepository,
  job: WikiJob,
  change: WikiChange,
  { links, tries }: { readonly links: string | undefined; readonly tries: number },
): Promise<WikiResult | "raced"> {
  await repository.refresh()
  const update = updateWiki(await repository.files(), change, optionsOf(job, links))
  const result = await pushOnce(repository, job, update, tries)
  if (result !== "raced" && job.output !== undefined) await writeFiles(job.output, update.files)
  return result
}

async function pushOnce(
  repository: WikiRepository,
  job: WikiJob,
  update: WikiUpdate,
  tries: number,
): Promise<WikiResult | "raced"> {
  const facts = factsOf(repository, update, tries)
  if (update.files.size === 0) return { kind: "unchanged", ...facts }
  if (job.dryRun) return { kind: "dry-run", message: update.message, ...facts }
  if (!(await repository.commit(update.files, update.message))) return { kind: "unchanged", ...facts }
  const outcome = await repository.push()
  if (outcome.kind === "raced") return "raced"
  return { kind: "pushed", commit: outcome.commit, message: update.message, ...facts }
}

function optionsOf(job: WikiJob, links: string | undefined): WikiOptions {
  const repository = job.repository ?? links
  return {
    ...(repository !== undefined && { repository }),
    ...(job.recentRows !== undefined && { recentRows: job.recentRows }),
  }
}

function factsOf(repository: WikiRepository, update: WikiUpdate, tries: number): UpdateFacts {
  return { branch: repository.branch, files: [...update.files.keys()], pages: update.pages, tries }
}

async function readToken(path: string): Promise<string> {
  const token = (await readFile(path, "utf8")).trim()
  if (token === "") throw new WikiFailure("bad-job", "the wiki's token is empty")
  if (/\s/.test(token)) throw new WikiFailure("bad-job", "the wiki's token has more than one line or word")
  return token
}

/** Runs in the given folder, or in a temporary one that is removed whatever happens. */
async function inFolder<Out>(
  folder: string | undefined,
  work: (folder: string) => Promise<Out>,
): Promise<Out> {
  if (folder !== undefined) return await work(resolve(folder))
  const temporary = await mkdtemp(join(tmpdir(), "wiki-"))
  try {
    return await work(temporary)
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

function asFailure(error: unknown): WikiFailure {
  if (error instanceof WikiFailure) return error
  if (error instanceof z.ZodError)
    return new WikiFailure("bad-job", `the job is not one:\n${z.prettifyError(error)}`)
  const isOfWiki =
    error instanceof WikiProblem || error instanceof InvalidImageManifest || error instanceof InvalidReference
  const message = error instanceof Error ? error.message : String(error)
  return new WikiFailure(isOfWiki ? "wiki-problem" : "git-failed", message)
}
