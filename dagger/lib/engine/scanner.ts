import { randomUUID } from "node:crypto"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Container, dag, File, ReturnType } from "@dagger.io/dagger"
import { cleanLine } from "../text/cleanText.js"
import { directoryOf } from "./textFiles.js"

/** Where a database of vulnerabilities comes from: a file as grype imports it, an image with one, or a download. */
export type ScannerDatabase =
  | { readonly kind: "file"; readonly file: File; readonly name: string }
  | { readonly kind: "image"; readonly reference: string }
  | { readonly kind: "url"; readonly url: string }

/** A scanner that did not do its work, with its last words. */
export class ScannerError extends Error {
  override readonly name = "ScannerError"
}

/** Endings of a database's file, by which grype knows what it is. */
export const databaseEndings = [".tar.zst", ".tar.gz", ".tar.xz", ".db"] as const

const databaseFolder = "/var/lib/grype"
const billsFolder = "/bills"
const reportFile = "/report.json"

/**
 * Looks the packages of bills of materials up with grype.
 * @param image reference of grype's image, with its digest
 * @param bills SPDX documents by name
 * @returns grype's reports in JSON, by the same names
 * @throws ScannerError
 */
export async function scanBills(
  image: string,
  database: ScannerDatabase,
  bills: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, string>> {
  const scanner = await withDatabase(scannerContainer(image), database)
  const files = [...bills.values()].map((text, index) => [`${index}.spdx.json`, text] as const)
  const ready = scanner.withMountedDirectory(billsFolder, await directoryOf(new Map(files)))
  const folder = await mkdtemp(join(tmpdir(), "scan-"))
  try {
    const reports = [...bills.keys()].map(async (name, index) => {
      const done = await run(ready, [`sbom:${billsFolder}/${index}.spdx.json`, "--output", "json"], name)
      const path = join(folder, String(index))
      await done.file(reportFile).export(path)
      return [name, await readFile(path, "utf8")] as const
    })
    return new Map(await Promise.all(reports))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Its image has nothing but the program: no shell, no folder for temporary files. */
function scannerContainer(image: string): Container {
  const settings = {
    GRYPE_DB_CACHE_DIR: databaseFolder,
    // Whatever the database's age is, we judge it: a scan neither fetches a newer one nor asks for one.
    GRYPE_DB_AUTO_UPDATE: "false",
    GRYPE_DB_VALIDATE_AGE: "false",
    GRYPE_DB_REQUIRE_UPDATE_CHECK: "false",
    GRYPE_CHECK_FOR_APP_UPDATE: "false",
  }
  return Object.entries(settings)
    .reduce((container, [name, value]) => container.withEnvVariable(name, value), dag.container().from(image))
    .withMountedTemp("/tmp")
}

function withDatabase(scanner: Container, database: ScannerDatabase): Promise<Container> {
  switch (database.kind) {
    case "file":
      return imported(scanner, database.file, database.name)
    case "image":
      return fromImage(scanner, database.reference)
    case "url": {
      const online = scanner
        .withEnvVariable("GRYPE_DB_UPDATE_URL", database.url)
        // Tomorrow there is another one at the same address.
        .withEnvVariable("STACK_RUN", randomUUID())
      return run(online, ["db", "update"], `the database at ${database.url}`)
    }
  }
}

function imported(scanner: Container, file: File, name: string): Promise<Container> {
  const path = `/database${databaseEndings.find((ending) => name.endsWith(ending)) ?? ""}`
  return run(scanner.withMountedFile(path, file), ["db", "import", path], `the database ${name}`)
}

async function fromImage(scanner: Container, reference: string): Promise<Container> {
  const root = dag.container().from(reference).rootfs()
  const found = (await Promise.all(databaseEndings.map((ending) => root.glob(`*${ending}`)))).flat()
  const [path, ...more] = found
  if (path === undefined || more.length > 0) {
    throw new ScannerError(
      `${reference} has ${found.length} databases in its root folder, and one is needed (${databaseEndings.join(", ")})`,
    )
  }
  return imported(scanner, root.file(path), path)
}

/** @param what is worked on, for the message */
async function run(scanner: Container, args: readonly string[], what: string): Promise<Container> {
  const ended = scanner.withExec([...args], {
    useEntrypoint: true,
    redirectStdout: reportFile,
    expect: ReturnType.Any,
  })
  if ((await ended.exitCode()) === 0) return ended
  throw new ScannerError(`grype failed on ${cleanLine(what)}: ${lastWords(await ended.stderr())}`)
}

function lastWords(output: string): string {
  return cleanLine(output.trim().split("\n").slice(-3).join("\n")).slice(-600)
}
