import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { TestRegistry } from "./registry.js"
import { checkout, run } from "./stack.js"
import type { Ended } from "./stack.js"

/** A program of Sigstore, built from its Go module where it has not been. @returns its path */
export function sigstoreProgram(name: "cosign" | "fulcio" | "timestamp-server"): string {
  const script = join(checkout, "tests/support/sigstore/build.sh")
  return execFileSync(script, [name], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }).trim()
}

/** The real cosign, with a home of its own, logged in to a registry. */
export class Cosign {
  private constructor(
    private readonly program: string,
    private readonly home: string,
  ) {}

  static start({ host, login }: Pick<TestRegistry, "host" | "login">): Cosign {
    const home = mkdtempSync(join(tmpdir(), "cosign-"))
    const auth = Buffer.from(`${login?.username ?? ""}:${login?.password ?? ""}`).toString("base64")
    const auths = login === undefined ? {} : { [host]: { auth } }
    writeFileSync(join(home, "config.json"), JSON.stringify({ auths }))
    return new Cosign(sigstoreProgram("cosign"), home)
  }

  stop(): void {
    rmSync(this.home, { recursive: true, force: true })
  }

  /** A file of its home. @returns the path */
  file(name: string, text: string): string {
    const path = join(this.home, name)
    writeFileSync(path, text)
    return path
  }

  /** Verifies what is attached to an image, of a type, by options that say whom to trust. */
  verifyAttestation(image: string, type: string, ...options: readonly string[]): Promise<Ended> {
    const words = ["verify-attestation", "--allow-http-registry", `--type=${type}`, ...options, image]
    const env = { DOCKER_CONFIG: this.home, HOME: this.home, COSIGN_EXPERIMENTAL: "0" }
    return run(this.program, words, { cwd: this.home, env, timeout: 60_000 })
  }
}
