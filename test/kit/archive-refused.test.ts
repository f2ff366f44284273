import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { storedZip, tar, type TarEntry } from '../../testkit/archive.ts'
import { archives, good } from './archives.ts'

const { check, unpack, refused, zip } = archives()

const link = (name: string, linkname: string): TarEntry => ({ name, linkname, type: 'symlink' })
const withAttributes = (
  pax: Record<string, string>,
  name = 'f',
): TarEntry & { pax: typeof pax } => ({
  name,
  pax,
})

describe('an archive', () => {
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
      await zip([
        ['ok', 0o100644, ''],
        [name, 0o100644, 'evil'],
      ]),
      words,
    )
  })

  test('with a NUL in a name is refused', async () => {
    await refused(await zip([['a\0b', 0o100644, '']]), 'a NUL byte')
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
    await refused(await zip(links.map(([name, target]) => [name, 0o120777, target])), words)
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
    await refused(await zip([['d', 0o010644, '']]), 'device or pipe')
  })

  test('with too many entries, or too many bytes, is stopped at the limit', async () => {
    const bytes = await tar(good)
    await refused(bytes, 'more than 4 entries', { maxFiles: 4 })
    const bomb = Buffer.alloc(20_000_000)
    await refused(gzipSync(await tar([{ name: 'a', body: bomb }])), 'more than 1,000,000 bytes', {
      maxBytes: 1_000_000,
    })
    await refused(await zip([['a', 0o100644, ' '.repeat(100_000)]]), 'more than 10,000 bytes', {
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
    const one = await zip([['a', 0o100644, 'x'.repeat(10_000)]])
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

  test('that is cut off anywhere is refused', async () => {
    const plain = await tar(good)
    const zipped = await zip([['main.py', 0o100644, 'print(1)'.repeat(100)]])
    for (const bytes of [plain.subarray(0, -1024), gzipSync(plain), zipped])
      for (let part = 1; part < 12; part++)
        await refused(bytes.subarray(0, Math.floor((bytes.length * part) / 12)), /./)
    await refused(plain.subarray(0, -1024), 'cut off')
  })

  test('with damaged bytes is refused', async () => {
    const zipped = await zip([['main.py', 0o100644, 'print(1)'.repeat(100)]])
    const at = zipped.indexOf('main.py') + 12
    zipped[at] = (zipped[at] ?? 0) ^ 0xff
    await refused(zipped, 'corrupt')
    const gzipped = gzipSync(await tar(good))
    gzipped[gzipped.length - 6] = (gzipped.at(-6) ?? 0) ^ 0xff
    await refused(gzipped, 'corrupt')
  })
})
