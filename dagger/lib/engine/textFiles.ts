import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { bytesOfText } from "../text/bytes.js"
import { dag, Directory } from "@dagger.io/dagger"

/**
 * A directory of texts. Written in one piece through the module's own folder: file by file, every text would stand in
 * the progress output as an argument.
 * @param texts by path
 */
export async function directoryOf(texts: ReadonlyMap<string, string>): Promise<Directory> {
  const folder = await mkdtemp(join(process.cwd(), "texts-"))
  try {
    for (const [path, text] of texts) {
      const file = join(folder, path)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, bytesOfText(text))
    }
    return await dag.currentModule().workdir(basename(folder)).sync()
  } catch (error) {
    await rm(folder, { recursive: true })
    throw error
  }
}
