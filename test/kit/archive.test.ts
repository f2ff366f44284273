import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { BadArchive, checkArchive, unpackArchive } from '../../src/kit/archive/index.ts'
import { tar } from '../../testkit/archive.ts'
import { archives, good, opener, sha256 } from './archives.ts'

const on = archives()
const { root, check, unpack, refused, zip } = on

describe('an archive', () => {
  test('is told by its bytes, checked without a trace, and unpacked as it is', async () => {
    const plain = await tar(good)
    const zipped = await zip([
      ['main.py', 0o100644, 'print(1)\n'],
      ['bin/run', 0o100755, '#!/bin/sh\n'],
      ['bin/other', 0o120777, '../main.py'],
      ['copy.py', 0, 'print(1)\n'],
    ])
    for (const [format, bytes] of [
      ['tar', plain],
      ['tar.gz', gzipSync(plain)],
      ['zip', zipped],
    ] as const) {
      expect(await check(bytes)).toMatchObject({ format, files: 4 })
      expect(existsSync(join(on.folder, sha256(bytes)))).toBe(false)
      const path = await unpack(bytes)
      expect(path).toBe(join(on.folder, sha256(bytes)))
      expect(readFileSync(join(path, 'bin/other'), 'utf8')).toBe('print(1)\n')
      expect(readFileSync(join(path, 'copy.py'), 'utf8')).toBe('print(1)\n')
      expect(readlinkSync(join(path, 'bin/other'))).toBe('../main.py')
      expect(statSync(join(path, 'bin/run')).mode & 0o7777).toBe(0o755 & ~process.umask())
      expect(statSync(join(path, 'main.py')).mode & 0o111).toBe(0)
      expect(readdirSync(on.folder).filter((name) => name.includes('tmp'))).toEqual([])
    }
  })

  test('may be unpacked by many at once, and again', async () => {
    const bytes = gzipSync(await tar(good))
    const paths = await Promise.all([unpack(bytes), unpack(bytes), unpack(bytes)])
    expect(new Set([...paths, await unpack(bytes)]).size).toBe(1)
    expect(readdirSync(on.folder)).toEqual([sha256(bytes)])
  })

  test('on disk already is read where it lies', async () => {
    const bytes = await zip([['main.py', 0o100644, 'x']])
    const file = join(root, 'lying.zip')
    writeFileSync(file, bytes)
    const temporary = join(on.folder, 'never made')
    expect(await checkArchive(opener(bytes), { temporary, file })).toMatchObject({ files: 1 })
    expect(existsSync(temporary)).toBe(false)
  })

  test('with folders and files that nobody may read or write is unpacked, and removed, without their modes', async () => {
    const bytes = await tar([
      { name: 'shut', type: 'directory', mode: 0o555 },
      { name: 'shut/secret', mode: 0, body: 'x' },
      { name: 'shut/root', mode: 0o6755, body: 'x' },
    ])
    const path = await unpack(bytes)
    const mode = (name: string): number => statSync(join(path, name)).mode & 0o7777
    expect(mode('shut/secret')).toBe(0o644 & ~process.umask())
    expect(mode('shut/root')).toBe(0o755 & ~process.umask())
    expect(mode('shut')).toBe(0o777 & ~process.umask())
  })

  test('with a later copy of a file has the later one', async () => {
    const path = await unpack(await tar([...good, { name: 'main.py', body: 'later' }]))
    expect(readFileSync(join(path, 'main.py'), 'utf8')).toBe('later')
    expect(readFileSync(join(path, 'copy.py'), 'utf8')).toBe('print(1)\n')
  })

  test('lets others go on while it is looked through', async () => {
    const names = Array.from({ length: 5_000 }, (_, n) => ({ name: `${'a/'.repeat(90)}${n}` }))
    const bytes = gzipSync(await tar(names))
    let turns = 0
    let isOver = false
    const turn = (): void => {
      turns++
      if (!isOver) setImmediate(turn)
    }
    turn()
    await check(bytes)
    isOver = true
    expect(turns).toBeGreaterThan(names.length / 50)
  })

  test('with a colon in a name is taken', async () => {
    const names = ['C:notes.md', 'a:b.txt']
    for (const bytes of [
      await tar(names.map((name) => ({ name }))),
      await zip(names.map((name) => [name, 0o100644, ''])),
    ])
      expect(readdirSync(await unpack(bytes)).toSorted()).toEqual(names)
  })

  test('is unpacked without what macOS adds by itself, and says so', async () => {
    const double = '\0\u0005\u0016\u0007\0\u0002\0\0Mac OS X'
    const files: [name: string, content: string][] = [
      ['app/main.py', ''],
      ['app/.DS_Store', 'Bud1'],
      ['app/._main.py', double],
      ['__MACOSX/app/._main.py', double],
      ['app/._mine', 'a file of its own'],
      ['app/._m', 'm'],
      ['app/._', ''],
      ['app/Thumbs.db', ''],
    ]
    const store = { name: '.DS_Store', body: 'x'.repeat(100) }
    await refused(await tar([store]), 'no files but those that macOS adds')
    await refused(await tar([...good, store]), 'more than 50 bytes', { maxBytes: 50 })
    await refused(await tar([store, { name: 'l', type: 'link', linkname: '.DS_Store' }]), '"l"')
    await refused(await tar([...good, { name: '../.DS_Store' }]), 'leaves its folder')
    await expect(check(await tar([...good, { name: '\n/.DS_Store' }]))).rejects.toThrow('control')
    for (const bytes of [
      await tar(files.map(([name, body]) => ({ name, body }))),
      await zip(files.map(([name, content]) => [name, 0o100644, content])),
    ]) {
      const leftOut = ['app/.DS_Store', 'app/._main.py', '__MACOSX/app/._main.py']
      expect(await check(bytes)).toMatchObject({ files: 5, leftOut })
      const path = await unpack(bytes)
      expect(readdirSync(path)).toEqual(['app'])
      const kept = ['._', '._m', '._mine', 'Thumbs.db', 'main.py']
      expect(readdirSync(join(path, 'app')).toSorted()).toEqual(kept)
      expect(readFileSync(join(path, 'app/._mine'), 'utf8')).toBe('a file of its own')
    }
  })

  test('is read to its end where entries are stored as they are', async () => {
    const file = join(on.folder, 'stored.zip')
    const write = `import sys, zipfile; z = zipfile.ZipFile(sys.argv[1], 'w'); z.writestr('a', 'x' * 200000); z.writestr('b', ''); z.close()`
    execFileSync('python3', ['-c', write, file])
    const bytes = readFileSync(file)
    rmSync(file)
    await refused(bytes, 'more than 1,000 bytes', { maxBytes: 1_000 })
    expect(await check(bytes)).toMatchObject({ files: 2, bytes: 200_000 })
    expect(readFileSync(join(await unpack(bytes), 'a'), 'utf8')).toBe('x'.repeat(200_000))
  })

  test.each(['a\u001b[2J', 'a\nb', 'a\u009bb', 'a\u202egpj.exe', 'a\u2028b'])(
    'with a name such as %j is not taken, but one that was is unpacked',
    async (name) => {
      for (const bytes of [await tar([{ name }]), await zip([[name, 0o100644, '']])]) {
        await expect(check(bytes)).rejects.toThrow(
          'control or text-direction characters in its name',
        )
        expect(readdirSync(await unpack(bytes))).toEqual([name])
      }
    },
  )

  test('whose names are not UTF-8 has each of them', async () => {
    const write = `
import io, sys, tarfile, zipfile
with tarfile.open(sys.argv[1] + '/a.tar', 'w', format=tarfile.GNU_FORMAT, encoding='latin1') as archive:
    for name in ('caf\u00e9', 'caf\u00e8', 'x' * 150 + '\u00e9'): archive.addfile(tarfile.TarInfo(name))
class Raw(zipfile.ZipInfo):
    def _encodeFilenameFlags(self): return self.filename.encode('cp437'), 0
with zipfile.ZipFile(sys.argv[1] + '/a.zip', 'w') as archive:
    for name in ('caf\u00e9', 'caf\u00e8'): archive.writestr(Raw(name), '')
`
    const made = mkdtempSync(join(root, 'names-'))
    execFileSync('python3', ['-c', write, made])
    const names = ['caf\u00e8', 'caf\u00e9']
    const long = `${'x'.repeat(150)}\u00e9`
    const inTar = readdirSync(await unpack(readFileSync(join(made, 'a.tar'))))
    expect(inTar.toSorted()).toEqual([...names, long])
    expect(readdirSync(await unpack(readFileSync(join(made, 'a.zip')))).toSorted()).toEqual(names)
  })

  test('that is none, or empty, is refused', async () => {
    await refused(Buffer.alloc(0), 'it has no bytes')
    await refused(Buffer.from('just text'), 'This is no archive')
    await refused(Buffer.from('BZh91AY&SY'), 'This is compressed by bzip2')
    await refused(Buffer.from('fd377a585a00', 'hex'), 'This is compressed by xz')
    await refused(Buffer.from('28b52ffd', 'hex'), 'This is compressed by zstd')
    await refused(gzipSync('just text'), 'corrupt')
    await refused(gzipSync(await tar([])), 'it has no files')
    await refused(await tar([{ name: 'a', type: 'directory' }]), 'it has no files')
    await refused(await zip([]), 'it has no files')
  })

  test('that cannot be read is our fault, not its sender’s', async () => {
    const bytes = gzipSync(await tar(good))
    const failing = async (): Promise<Readable> =>
      Readable.from(
        (function* () {
          yield bytes.subarray(0, 50)
          throw new Error('the disk is gone')
        })(),
      )
    const reading = checkArchive(failing, { temporary: on.folder })
    await expect(reading).rejects.toThrow('the disk is gone')
    await expect(reading).rejects.not.toBeInstanceOf(BadArchive)
    await expect(
      unpackArchive(opener(bytes), { folder: on.folder, sha256: '0'.repeat(64) }),
    ).rejects.toThrow('not those of')
    expect(readdirSync(on.folder)).toEqual([])
  })

  test('leaves what is there already as it is', async () => {
    const bytes = gzipSync(await tar(good))
    mkdirSync(join(on.folder, sha256(bytes)))
    expect(readdirSync(await unpack(bytes))).toEqual([])
  })
})
