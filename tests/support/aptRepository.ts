import { execFile } from "node:child_process"
import { createHash } from "node:crypto"
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"

const execute = promisify(execFile)

/** A repository of Debian packages, as apt reads one: it serves what was released so far. */
export interface AptRepository {
  /** Its port, on every address of this machine. */
  readonly port: number
  /** Whether it answers every request with an error. */
  isDown: boolean
  /** Releases a package, whose one file `/opt/<name>` has the version in it; earlier versions stay. */
  release(name: string, version: string): Promise<void>
  stop(): Promise<void>
}

/** Starts an empty one. It is not signed: apt has to be told that it is trusted. */
export async function startAptRepository(): Promise<AptRepository> {
  const folder = await mkdtemp(join(tmpdir(), "apt-"))
  const files = new Map<string, Buffer>()
  const stanzas: string[] = []
  const index = () => {
    const packages = Buffer.from(stanzas.join("\n"))
    const release = `Date: ${new Date().toUTCString()}\nSHA256:\n ${sha256(packages)} ${packages.length} Packages\n`
    files.set("/Packages", packages)
    files.set("/Release", Buffer.from(release))
  }
  index()
  const server = createServer((request, response) => {
    const file = files.get((request.url ?? "").replace("/./", "/"))
    if (repository.isDown) response.writeHead(503).end()
    else response.writeHead(file === undefined ? 404 : 200).end(file)
  })
  await new Promise<void>((done) => server.listen(0, "0.0.0.0", done))
  const repository: AptRepository = {
    isDown: false,
    port: (server.address() as AddressInfo).port,
    release: async (name, version) => {
      const { file, stanza } = await packageOf(folder, name, version)
      files.set(`/${name}_${version}.deb`, file)
      stanzas.push(stanza)
      index()
    },
    stop: async () => {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
      await rm(folder, { recursive: true })
    },
  }
  return repository
}

async function packageOf(
  folder: string,
  name: string,
  version: string,
): Promise<{ readonly file: Buffer; readonly stanza: string }> {
  const control = `Package: ${name}\nVersion: ${version}\nArchitecture: all\nMaintainer: a <a@example.org>\nDescription: a test\n`
  const [root, path] = [join(folder, `${name}-${version}`), join(folder, `${name}_${version}.deb`)]
  await mkdir(join(root, "DEBIAN"), { recursive: true })
  await mkdir(join(root, "opt"))
  await writeFile(join(root, "DEBIAN/control"), control)
  await writeFile(join(root, "opt", name), `${version}\n`)
  await execute("dpkg-deb", ["--build", "--root-owner-group", root, path])
  const file = await readFile(path)
  const place = `Filename: ./${name}_${version}.deb\nSize: ${file.length}\nSHA256: ${sha256(file)}\n`
  return { file, stanza: `${control}${place}` }
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex")
}
