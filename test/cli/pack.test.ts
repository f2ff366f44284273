import { createReadStream } from 'node:fs'
import { chmod, rm, symlink, utimes } from 'node:fs/promises'
import { createGunzip } from 'node:zlib'
import { extract, type Headers } from 'tar-stream'
import { afterEach, expect, it } from 'vitest'
import { readFolder } from '../../src/cli/folder.ts'
import { packFolder, type PackedFolder } from '../../src/cli/pack.ts'
import { testFolder, type TestFolder } from '../../testkit/folder.ts'

const undo: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const one of undo.splice(0)) await one()
})

async function folderOf(files: Record<string, string>): Promise<TestFolder> {
  const folder = await testFolder(files)
  undo.push(() => folder.remove())
  return folder
}

async function packed({ path }: TestFolder): Promise<PackedFolder> {
  const archive = await packFolder(path, (await readFolder(path)).entries)
  undo.push(() => archive.remove())
  return archive
}

async function headersOf({ file }: PackedFolder): Promise<Headers[]> {
  const headers: Headers[] = []
  for await (const entry of createReadStream(file).pipe(createGunzip()).pipe(extract())) {
    headers.push(entry.header)
    entry.resume()
  }
  return headers
}

it('equal folders have equal archives, whenever and in whatever order they were written', async () => {
  const one = await folderOf({ 'main.py': 'x', 'lib/a.py': 'a', 'lib-b.py': '' })
  const other = await folderOf({ 'lib-b.py': '', 'lib/a.py': 'a', 'main.py': 'x' })
  await utimes(`${other.path}/main.py`, 1, 1)
  expect((await packed(one)).sha256).toBe((await packed(other)).sha256)
  await other.write({ 'main.py': 'y' })
  expect((await packed(one)).sha256).not.toBe((await packed(other)).sha256)
})

it('what tools leave behind stays out, and programs stay programs', async () => {
  const folder = await folderOf({
    'main.py': 'x',
    'run.sh': 'echo',
    '.git/HEAD': '',
    '.venv/bin/python': '',
    'node_modules/a/index.js': '',
    'lib/__pycache__/a.pyc': '',
    'lib/a.pyc': '',
    'lib/a.py': '',
  })
  await chmod(`${folder.path}/run.sh`, 0o700)
  await symlink('a.py', `${folder.path}/lib/b.py`)
  const headers = await headersOf(await packed(folder))
  expect(headers.map(({ name, type, mode, linkname }) => ({ name, type, mode, linkname }))).toEqual(
    [
      { name: 'lib/a.py', type: 'file', mode: 0o644, linkname: null },
      { name: 'lib/b.py', type: 'symlink', mode: 0o644, linkname: 'a.py' },
      { name: 'main.py', type: 'file', mode: 0o644, linkname: null },
      { name: 'run.sh', type: 'file', mode: 0o755, linkname: null },
    ],
  )
})

it.each(['/etc/hostname', '../outside', 'lib/../../outside'])(
  'a link out of the folder, to %s, is refused',
  async (target) => {
    const folder = await folderOf({ 'main.py': 'x' })
    await symlink(target, `${folder.path}/link`)
    await expect(readFolder(folder.path)).rejects.toThrow(
      `${folder.path}/link is a link to ${target}, outside of the folder. Copy the target into the folder.`,
    )
  },
)

it('a file that shrinks or goes while it is packed is named in a sentence', async () => {
  const folder = await folderOf({ 'a.py': 'a', 'b.bin': 'four' })
  const { entries } = await readFolder(folder.path)
  await folder.write({ 'b.bin': '4' })
  await expect(packFolder(folder.path, entries)).rejects.toThrow(
    `${folder.path}/b.bin became shorter while it was being packed. Try again.`,
  )
  await folder.write({ 'b.bin': 'more than four' })
  const archive = await packFolder(folder.path, entries)
  undo.push(() => archive.remove())
  await rm(`${folder.path}/b.bin`)
  await expect(packFolder(folder.path, entries)).rejects.toThrow(
    `${folder.path}/b.bin no longer exists.`,
  )
})
