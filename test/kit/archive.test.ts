import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
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
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { BadArchive, checkArchive, unpackArchive } from '../../src/kit/archive/index.ts'
import { storedZip, tar, type TarEntry } from '../../testkit/archive.ts'

const root = mkdtempSync(join(tmpdir(), 'millrace-archive-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(root, 'case-'))
})

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
const opener = (bytes: Buffer) => (): Promise<Readable> =>
  // in odd pieces, as they come from a network
  Promise.resolve(Readable.from(bytes.length ? pieces(bytes) : []))
function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 1009) yield bytes.subarray(at, at + 1009)
}
type Limits = { maxFiles?: number; maxBytes?: number }
const check = (bytes: Buffer, limits: Limits = {}) =>
  checkArchive(opener(bytes), { temporary: folder, ...limits })
const unpack = (bytes: Buffer, limits: Limits = {}) =>
  unpackArchive(opener(bytes), { folder, sha256: sha256(bytes), ...limits })

/** Both ways refuse it, with these words, and leave nothing. */
async function refused(bytes: Buffer, words: string | RegExp, limits: Limits = {}): Promise<void> {
  for (const attempt of [() => check(bytes, limits), () => unpack(bytes, limits)]) {
    const error: unknown = await attempt().then(
      () => 'nothing was refused',
      (cause: unknown) => cause,
    )
    expect(error).toBeInstanceOf(BadArchive)
    expect(error).toMatchObject({ message: expect.stringMatching(words) })
    expect(readdirSync(folder)).toEqual([])
  }
}

/** A zip file as Python writes it; entries are (name, unix mode with type, content). */
function zip(entries: readonly (readonly [name: string, mode: number, content: string])[]): Buffer {
  const script = `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[2], 'w', zipfile.ZIP_DEFLATED) as archive:
    for name, mode, content in json.loads(sys.argv[1]):
        info = zipfile.ZipInfo('placeholder')
        info.filename, info.external_attr, info.compress_type = name, mode << 16, zipfile.ZIP_DEFLATED
        archive.writestr(info, content)
`
  const file = join(mkdtempSync(join(root, 'zip-')), 'a.zip')
  execFileSync('python3', ['-c', script, JSON.stringify(entries), file])
  return readFileSync(file)
}

const good: TarEntry[] = [
  { name: './', type: 'directory' },
  { name: './main.py', body: 'print(1)\n' },
  { name: 'bin/run', body: '#!/bin/sh\n', mode: 0o777 },
  { name: 'bin/other', type: 'symlink', linkname: '../main.py' },
  { name: 'copy.py', type: 'link', linkname: 'main.py' },
]

const link = (name: string, linkname: string): TarEntry => ({ name, linkname, type: 'symlink' })
const withAttributes = (
  pax: Record<string, string>,
  name = 'f',
): TarEntry & { pax: typeof pax } => ({
  name,
  pax,
})

describe('an archive', () => {
  test('is told by its bytes, checked without a trace, and unpacked as it is', async () => {
    const plain = await tar(good)
    const zipped = zip([
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
      expect(existsSync(join(folder, sha256(bytes)))).toBe(false)
      const path = await unpack(bytes)
      expect(path).toBe(join(folder, sha256(bytes)))
      expect(readFileSync(join(path, 'bin/other'), 'utf8')).toBe('print(1)\n')
      expect(readFileSync(join(path, 'copy.py'), 'utf8')).toBe('print(1)\n')
      expect(readlinkSync(join(path, 'bin/other'))).toBe('../main.py')
      expect(statSync(join(path, 'bin/run')).mode & 0o7777).toBe(0o755 & ~process.umask())
      expect(statSync(join(path, 'main.py')).mode & 0o111).toBe(0)
      expect(readdirSync(folder).filter((name) => name.includes('tmp'))).toEqual([])
    }
  })

  test('may be unpacked by many at once, and again', async () => {
    const bytes = gzipSync(await tar(good))
    const paths = await Promise.all([unpack(bytes), unpack(bytes), unpack(bytes)])
    expect(new Set([...paths, await unpack(bytes)]).size).toBe(1)
    expect(readdirSync(folder)).toEqual([sha256(bytes)])
  })

  test('on disk already is read where it lies', async () => {
    const bytes = zip([['main.py', 0o100644, 'x']])
    const file = join(root, 'lying.zip')
    writeFileSync(file, bytes)
    const temporary = join(folder, 'never made')
    expect(await checkArchive(opener(bytes), { temporary, file })).toMatchObject({ files: 1 })
    expect(existsSync(temporary)).toBe(false)
  })

  test.each([
    ['/etc/passwd', 'an absolute path'],
    ['C:/x', 'an absolute path'],
    ['../x', 'leaves its folder'],
    ['a/../../x', 'leaves its folder'],
    ['a\\..\\x', 'a backslash'],
    ['a/'.repeat(513), 'too long a name'],
    ['x'.repeat(256), 'too long a name'],
  ])('with a name such as %s is refused: %s', async (name, words) => {
    await refused(gzipSync(await tar([...good, { name, body: 'evil' }])), words)
    await refused(
      zip([
        ['ok', 0o100644, ''],
        [name, 0o100644, 'evil'],
      ]),
      words,
    )
  })

  test('with a NUL in a name is refused', async () => {
    await refused(zip([['a\0b', 0o100644, '']]), 'a NUL byte')
  })

  test.each([
    ['absolute', [['l', '/etc']], 'outside its folder'],
    ['upwards', [['a/l', '../../x']], 'outside its folder'],
    [
      'through a link',
      [
        ['a/b/c', '..'],
        ['a/l', 'b/c/../../x'],
      ],
      'outside its folder',
    ],
    [
      'through a later link',
      [
        ['d/l', '../x/../y'],
        ['x', 'd/..'],
      ],
      'outside its folder',
    ],
    [
      'in circles',
      [
        ['a', 'b'],
        ['b', 'a'],
      ],
      'in circles',
    ],
    ['with nothing', [['a', '']], 'outside its folder'],
  ] as const)('with a symbolic link that leads %s is refused', async (_, links, words) => {
    const entries = links.map(([name, linkname]) => ({ name, linkname, type: 'symlink' as const }))
    if (!links.some(([, target]) => target === ''))
      await refused(gzipSync(await tar([...good, ...entries])), words)
    await refused(zip(links.map(([name, target]) => [name, 0o120777, target])), words)
  })

  test('that would write through a link, or over one, is refused', async () => {
    const inside: TarEntry = { name: 'l', type: 'symlink', linkname: 'bin' }
    await refused(await tar([...good, inside, { name: 'l/x', body: '' }]), 'below the link "l"')
    await refused(await tar([...good, inside, { name: 'l', body: '' }]), 'comes twice')
    await refused(await tar([...good, { name: 'main.py/x', body: '' }]), 'below the file "main.py"')
  })

  test.each(['../outside', '/etc/passwd', 'bin/other', 'nothing', 'bin'])(
    'with a hard link to %j is refused',
    async (linkname) => {
      await refused(await tar([...good, { name: 'l', type: 'link', linkname }]), /"l"/)
    },
  )

  test('with a device or a pipe is refused', async () => {
    await refused(await tar([...good, { name: 'd', type: 'character-device' }]), 'character-device')
    await refused(await tar([...good, { name: 'd', type: 'block-device' }]), 'block-device')
    await refused(await tar([...good, { name: 'd', type: 'fifo' }]), 'fifo')
    await refused(zip([['d', 0o010644, '']]), 'device or pipe')
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

  test('with too many entries, or too many bytes, is stopped at the limit', async () => {
    const bytes = await tar(good)
    await refused(bytes, 'more than 4 entries', { maxFiles: 4 })
    const bomb = Buffer.alloc(20_000_000)
    await refused(gzipSync(await tar([{ name: 'a', body: bomb }])), 'more than 1,000,000 bytes', {
      maxBytes: 1_000_000,
    })
    await refused(zip([['a', 0o100644, ' '.repeat(100_000)]]), 'more than 10,000 bytes', {
      maxBytes: 10_000,
    })
    await refused(gzipSync(Buffer.concat([bytes, bomb, bytes])), 'padding')
  })

  test('with folders within folders is refused where they are too deep or too many', async () => {
    const deep = Array.from({ length: 2_000 }, (_, n) => `${n}/${'a/'.repeat(500)}`)
    const folders = deep.map((name): TarEntry => ({ name, type: 'directory' }))
    await refused(gzipSync(await tar([...good, ...folders])), 'more than 100 folders deep')
    const within = Array.from({ length: 40 }, (_, n) => ({ name: `${n}/${'a/'.repeat(50)}x` }))
    await refused(await tar(within), 'more than 1,000 folders', { maxFiles: 1_000 })
    const shared = within.map((_, n) => ({ name: `${'a/'.repeat(99)}${n}` }))
    expect(await check(await tar(shared), { maxFiles: 99 })).toMatchObject({ files: 40 })
  })

  test('with links that lead through links costs a bounded number of steps', async () => {
    const links = Array.from({ length: 1_999 }, (_, n): TarEntry => {
      const linkname = `${'a/../'.repeat(60)}l${n + 1}`
      return { name: `l${n}`, type: 'symlink', linkname }
    })
    await refused(gzipSync(await tar([...good, ...links])), 'in circles')
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

  test('with names that some file systems take for one has no link among them', async () => {
    expect(await check(await tar([...good, { name: 'Main.py' }, { name: 'BIN' }]))).toBeDefined()
    for (const [one, other] of [
      ['x', 'X'],
      ['straße', 'STRASSE'],
      ['caf\u00e9', 'cafe\u0301'],
    ] as const) {
      const words = 'only in capitals or accents'
      await refused(await tar([...good, link(one, '.'), { name: other }]), words)
      await refused(await tar([...good, { name: `${one}/f` }, link(other, '.')]), words)
    }
    const bent = [...good, link('d/l', '../X/../y'), link('x', 'd/..')]
    await refused(await tar(bent), 'outside its folder')
    await refused(await tar([...good, link('A/l', '.'), { name: 'a/l' }]), 'comes twice')
    await refused(await tar([...good, { name: 'l', type: 'link', linkname: 'MAIN.py' }]), 'no file')
  })

  test('whose entries share their bytes is refused', async () => {
    const one = zip([['a', 0o100644, 'x'.repeat(10_000)]])
    const at = one.indexOf('PK\x01\x02')
    const end = one.indexOf('PK\x05\x06')
    const entry = one.subarray(at, end)
    const directory = Array.from({ length: 9 }, () => entry)
    const tail = Buffer.from(one.subarray(end))
    tail.writeUInt16LE(9, 8)
    tail.writeUInt16LE(9, 10)
    tail.writeUInt32LE(9 * entry.length, 12)
    await refused(Buffer.concat([one.subarray(0, at), ...directory, tail]), 'overlap')
  })

  test('with much besides its contents is refused, and with zeros at its end is not', async () => {
    await refused(
      await tar([withAttributes({ comment: 'x'.repeat(300_000) })]),
      'too many attributes',
    )
    const many = Array.from({ length: 9 }, (_, n) =>
      withAttributes({ c: 'x'.repeat(99_000) }, `f${n}`),
    )
    await refused(gzipSync(await tar(many)), 'too many attributes')
    const padded = Buffer.concat([await tar(good), Buffer.alloc(2 ** 20)])
    expect(await check(gzipSync(padded))).toMatchObject({ files: 4 })
    expect(await check(padded)).toMatchObject({ files: 4 })
  })

  test('with a sparse file is refused where its map is none, and stopped where it unpacks to too much', async () => {
    const sparse = (map: string, realsize: string): TarEntry & { pax: Record<string, string> } => ({
      ...withAttributes({ 'GNU.sparse.map': map, 'GNU.sparse.realsize': realsize }),
      body: '12345678',
    })
    for (const [map, size] of [
      ['', '8'],
      ['0,8', ''],
      ['0,8', '7'],
      ['0,8', '-1'],
      ['0,4', '8'],
      ['0,9', '9'],
      ['4,4,0,4', '8'],
      ['0,4,2,4', '8'],
      ['0,4,4', '8'],
      ['x,8', '9'],
      ['0,8', '9007199254740993'],
    ] as const)
      await refused(
        await tar([sparse(map, size)]),
        'entry "f" is a sparse file without a valid map',
      )
    const limit = { maxBytes: 1_000_000 }
    await refused(await tar([sparse('0,8', '8000000000000')]), 'more than 1,000,000 bytes', limit)
    const major = withAttributes({ 'GNU.sparse.major': '1', 'GNU.sparse.realsize': '9' })
    for (const body of ['', 'x', '9'.repeat(600), `999999999\n${'0\n'.repeat(251)}`])
      await refused(await tar([{ ...major, body }]), 'without a valid map')
    await refused(await tar([withAttributes({ 'GNU.sparse.major': '2' })]), 'without a valid map')
    const path = await unpack(await tar([sparse('1,4,6,4', '11')]))
    expect(readFileSync(join(path, 'f'), 'latin1')).toBe('\x001234\x005678\0')
  })

  test('with anything behind its end mark, where tar reads no more, is refused', async () => {
    const bytes = await tar(good)
    await refused(Buffer.concat([bytes, bytes]), 'behind its end mark')
    await refused(gzipSync(Buffer.concat([bytes, Buffer.from('more')])), 'behind its end mark')
    // gzip's own members are one stream
    const members = [bytes.subarray(0, 700), bytes.subarray(700)].map((part) => gzipSync(part))
    expect(await check(Buffer.concat(members))).toMatchObject({ files: 4 })
  })

  test('with a colon in a name is taken', async () => {
    const names = ['C:notes.md', 'a:b.txt']
    for (const bytes of [
      await tar(names.map((name) => ({ name }))),
      zip(names.map((name) => [name, 0o100644, ''])),
    ])
      expect(readdirSync(await unpack(bytes)).toSorted()).toEqual(names)
  })

  test('whose directory tells something else than its entries is refused', async () => {
    const one = storedZip({ name: 'one', content: 'x' })
    const renamed = Buffer.from(one)
    renamed.write('two', 30)
    await refused(renamed, 'entry "one" is another')
    const method = Buffer.from(one)
    method[8] = 8
    await refused(method, 'entry "one" is another')
    const uncounted = Buffer.from(one)
    uncounted.fill(
      0,
      uncounted.lastIndexOf('PK\x05\x06') + 8,
      uncounted.lastIndexOf('PK\x05\x06') + 12,
    )
    await refused(uncounted, 'more entries than it says')
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
      zip(files.map(([name, content]) => [name, 0o100644, content])),
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
    const file = join(folder, 'stored.zip')
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
      for (const bytes of [await tar([{ name }]), zip([[name, 0o100644, '']])]) {
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

  test('that is cut off anywhere is refused', async () => {
    const plain = await tar(good)
    const zipped = zip([['main.py', 0o100644, 'print(1)'.repeat(100)]])
    for (const bytes of [plain.subarray(0, -1024), gzipSync(plain), zipped])
      for (let part = 1; part < 12; part++)
        await refused(bytes.subarray(0, Math.floor((bytes.length * part) / 12)), /./)
    await refused(plain.subarray(0, -1024), 'cut off')
  })

  test('with damaged bytes is refused', async () => {
    const zipped = zip([['main.py', 0o100644, 'print(1)'.repeat(100)]])
    const at = zipped.indexOf('main.py') + 12
    zipped[at] = (zipped[at] ?? 0) ^ 0xff
    await refused(zipped, 'corrupt')
    const gzipped = gzipSync(await tar(good))
    gzipped[gzipped.length - 6] = (gzipped.at(-6) ?? 0) ^ 0xff
    await refused(gzipped, 'corrupt')
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
    await refused(zip([]), 'it has no files')
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
    const reading = checkArchive(failing, { temporary: folder })
    await expect(reading).rejects.toThrow('the disk is gone')
    await expect(reading).rejects.not.toBeInstanceOf(BadArchive)
    await expect(unpackArchive(opener(bytes), { folder, sha256: '0'.repeat(64) })).rejects.toThrow(
      'not those of',
    )
    expect(readdirSync(folder)).toEqual([])
  })

  test('leaves what is there already as it is', async () => {
    const bytes = gzipSync(await tar(good))
    mkdirSync(join(folder, sha256(bytes)))
    expect(readdirSync(await unpack(bytes))).toEqual([])
  })
})
