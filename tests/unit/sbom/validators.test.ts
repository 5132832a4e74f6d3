import { execFileSync } from "node:child_process"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Spec, Validation } from "@cyclonedx/cyclonedx-library"
import { afterAll, expect, test } from "vitest"
import { renderSbom } from "../../../dagger/lib/sbom/sbom.js"
import { removeTemporaryFolders, temporaryFolder } from "../../support/gitRepo.js"
import { manifestOf } from "../../support/manifests.js"
import { fullManifest, unknownLists } from "../../support/sboms.js"

afterAll(removeTemporaryFolders)

const documents = [fullManifest, unknownLists, manifestOf("base", "2026.4-main", { digest: undefined })]

test("documents are CycloneDX 1.6 by its schema", async () => {
  const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6)
  for (const manifest of documents)
    expect(await validator.validate(renderSbom(manifest, "cyclonedx"))).toBeNull()
  expect(await validator.validate(renderSbom(fullManifest, "spdx"))).not.toBeNull()
})

const program = join(import.meta.dirname, "../../spdx-tools.sh")

test(
  "documents are SPDX 2.3 by the tools of the SPDX workgroup, which refuse what is not",
  { timeout: 300_000 },
  async () => {
    const folder = await temporaryFolder()
    const paths = await Promise.all(
      documents.map(async (manifest, index) => {
        const path = join(folder, `${index}.spdx.json`)
        await writeFile(path, renderSbom(manifest, "spdx"))
        return path
      }),
    )
    execFileSync(program, paths, { stdio: "pipe" })

    const wrong = join(folder, "wrong.spdx.json")
    await writeFile(wrong, renderSbom(fullManifest, "spdx").replace('"SHA256"', '"SHA257"'))
    expect(() => execFileSync(program, [wrong], { stdio: "pipe" })).toThrow()
  },
)
