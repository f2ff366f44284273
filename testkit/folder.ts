import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export interface TestFolder {
  readonly path: string
  write(files: Readonly<Record<string, string>>): Promise<void>
  remove(): Promise<void>
}

/** A temporary folder with these files. */
export async function testFolder(
  files: Readonly<Record<string, string>> = {},
): Promise<TestFolder> {
  const path = await mkdtemp(join(tmpdir(), 'millrace-folder-'))
  const folder: TestFolder = {
    path,
    async write(more) {
      for (const [name, text] of Object.entries(more)) {
        await mkdir(dirname(join(path, name)), { recursive: true })
        await writeFile(join(path, name), text)
      }
    },
    remove: () => removeDataFolder(path),
  }
  await folder.write(files)
  return folder
}

/** Removes a data folder, and what its server had beside it for its instances. */
export async function removeDataFolder(path: string): Promise<void> {
  for (const folder of [path, `${path}-runtime`]) await rm(folder, { recursive: true, force: true })
}
