import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, beforeEach, expect } from 'vitest'
import { BadArchive, checkArchive, unpackArchive } from '../../src/kit/archive/index.ts'
import type { TarEntry } from '../../testkit/archive.ts'

type ZipEntry = readonly [name: string, mode: number, content: string]
type Limits = { maxFiles?: number; maxBytes?: number }

/** Writes a zip file for each line that it is given: its path and its entries. */
const ZIPPER = `
import json, sys, zipfile
for line in sys.stdin:
    path, entries = json.loads(line)
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, mode, content in entries:
            info = zipfile.ZipInfo('placeholder')
            info.filename, info.external_attr, info.compress_type = name, mode << 16, zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    print('written', flush=True)
`

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
export const opener = (bytes: Buffer) => (): Promise<Readable> =>
  // in odd pieces, as they come from a network
  Promise.resolve(Readable.from(bytes.length ? pieces(bytes) : []))
function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 1009) yield bytes.subarray(at, at + 1009)
}

export const good: TarEntry[] = [
  { name: './', type: 'directory' },
  { name: './main.py', body: 'print(1)\n' },
  { name: 'bin/run', body: '#!/bin/sh\n', mode: 0o777 },
  { name: 'bin/other', type: 'symlink', linkname: '../main.py' },
  { name: 'copy.py', type: 'link', linkname: 'main.py' },
]

/** A folder for each test of a file, where archives are checked and unpacked; and Python, which writes zip files. */
export function archives() {
  const root = mkdtempSync(join(tmpdir(), 'millrace-archive-'))
  let folder = ''
  let zipper: { write(line: string): void; written: AsyncIterator<string>; end(): Promise<unknown> }
  beforeAll(() => {
    // one for the file: to start it takes longer than to write
    const python = spawn('python3', ['-c', ZIPPER], { stdio: ['pipe', 'pipe', 'inherit'] })
    const exit = once(python, 'exit')
    zipper = {
      write: (line) => void python.stdin.write(line),
      written: createInterface(python.stdout)[Symbol.asyncIterator](),
      end: () => (python.stdin.end(), exit),
    }
  })
  beforeEach(() => {
    folder = mkdtempSync(join(root, 'case-'))
  })
  afterAll(async () => {
    await zipper.end()
    rmSync(root, { recursive: true, force: true })
  })

  const check = (bytes: Buffer, limits: Limits = {}) =>
    checkArchive(opener(bytes), { temporary: folder, ...limits })
  const unpack = (bytes: Buffer, limits: Limits = {}) =>
    unpackArchive(opener(bytes), { folder, sha256: sha256(bytes), ...limits })

  return {
    root,
    get folder() {
      return folder
    },
    check,
    unpack,

    /** Both ways refuse it, with these words, and leave nothing. */
    refused: async (bytes: Buffer, words: string | RegExp, limits: Limits = {}): Promise<void> => {
      for (const attempt of [() => check(bytes, limits), () => unpack(bytes, limits)]) {
        const error: unknown = await attempt().then(
          () => 'nothing was refused',
          (cause: unknown) => cause,
        )
        expect(error).toBeInstanceOf(BadArchive)
        expect(error).toMatchObject({ message: expect.stringMatching(words) })
        expect(readdirSync(folder)).toEqual([])
      }
    },

    /** A zip file as Python writes it; entries are (name, unix mode with type, content). */
    zip: async (entries: readonly ZipEntry[]): Promise<Buffer> => {
      const file = join(mkdtempSync(join(root, 'zip-')), 'a.zip')
      zipper.write(`${JSON.stringify([file, entries])}\n`)
      expect((await zipper.written.next()).value).toBe('written')
      return readFileSync(file)
    },
  }
}
