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
    remove: () => rm(path, { recursive: true, force: true }),
  }
  await folder.write(files)
  return folder
}
