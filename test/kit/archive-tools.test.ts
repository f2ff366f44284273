import { createHash } from 'node:crypto'
import {
  createReadStream,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { checkArchive, unpackArchive } from '../../src/kit/archive/index.ts'

const fixtures = fileURLToPath(new URL('../fixtures/archives', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'millrace-archive-tools-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** What a fixture becomes: where links lead, and of files the bytes and whether they are executable. */
async function unpacked(name: string): Promise<Record<string, string>> {
  const file = join(fixtures, name)
  const open = async () => createReadStream(file)
  await checkArchive(open, { temporary: folder, file })
  const root = await unpackArchive(open, { folder, sha256: sha256(readFileSync(file)) })
  const tree: Record<string, string> = {}
  for (const path of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    const [full, found] = [join(root, path), lstatSync(join(root, path))]
    if (found.isSymbolicLink()) tree[path] = `-> ${readlinkSync(full)}`
    else if (found.isFile()) {
      const bytes = readFileSync(full)
      const content = bytes.length > 100 ? `${bytes.length} ${sha256(bytes).slice(0, 16)}` : bytes
      tree[path] = `${content.toString()}${(found.mode & 0o111) === 0 ? '' : ' x'}`
    }
  }
  return tree
}

const ofTools = readdirSync(fixtures).filter((name) => !/^names|^sparse|README/.test(name))

test.each(ofTools)('%s is unpacked as its tool has packed it', async (name) => {
  expect(await unpacked(name)).toEqual({
    'main.py': 'print(1)\n',
    'pkg/a.txt': 'text\n',
    'run.sh': '#!/bin/sh\n x',
    ...(name.includes('without-link') ? {} : { 'pkg/link': '-> ../main.py' }),
  })
})

const sparse = readdirSync(fixtures).filter((name) => name.startsWith('sparse'))

test.each(sparse)('%s has its holes again', async (name) => {
  expect(await unpacked(name)).toEqual({
    middle: '1048580 51e90d6e9fce753c',
    only: '100000 9192c25b734fcbad',
    end: '200001 7d03a07febbed548',
    many: '507904 9d12c78b41e2b7ec',
  })
})

const latin1 = readdirSync(fixtures).filter((name) => name.startsWith('names-latin1'))

test.each(latin1)('%s has each of its names, and its link leads to one', async (name) => {
  expect(await unpacked(name)).toEqual({
    'caf\u00e9': '1',
    'caf\u00e8': '22',
    [`${'x'.repeat(150)}\u00e9`]: '333',
    link: '-> caf\u00e9',
  })
})

test.each([
  ['names-cp437.zip', ['caf\u00e8', 'caf\u00e9']],
  ['names-unicode-path.zip', ['ソース', '新しい']],
  ['names-utf8-unsaid.zip', ['日本']],
  ['names-backslash.zip', ['main.py', 'pkg/a.txt', 'pkg/sub/b.txt']],
])('%s has the names that were meant', async (name, names) => {
  expect(Object.keys(await unpacked(name)).toSorted()).toEqual(names.toSorted())
})
