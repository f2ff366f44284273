import { mkdir, mkdtemp, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { diskStorage } from '../../../src/ports/storage/disk/disk.ts'
import { conformsToStorage } from './conformance.ts'

const newFolder = async (): Promise<string> => {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-storage-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  return dir
}
const maxBytes = 10

conformsToStorage('diskStorage', async () => diskStorage({ dir: await newFolder() }))

test('what fails leaves no file behind', async () => {
  const dir = await newFolder()
  const storage = diskStorage({ dir })
  const abort = new AbortController()
  const endless = new Readable({ read() {} })
  endless.push('x')
  const onProgress = (): void => abort.abort()
  await Promise.allSettled([
    storage.put('a', Readable.from(['more than ten bytes']), { maxBytes }),
    storage.put('b', new Readable({ read() {} }).destroy(new Error('gone')), { maxBytes }),
    storage.put('c', endless, { maxBytes, signal: abort.signal, onProgress }),
    storage.put('d', Readable.from([{ not: 'bytes' }]), { maxBytes }),
    storage.put('../e', Readable.from(['x']), { maxBytes }),
  ])
  const files = await readdir(dir, { recursive: true })
  expect(files.sort()).toEqual(['incoming', 'objects'])
})

test('a start removes what was being received more than a day ago, and nothing younger', async () => {
  const dir = await newFolder()
  await mkdir(join(dir, 'incoming'))
  for (const name of ['crashed', 'young']) await writeFile(join(dir, 'incoming', name), 'half')
  const longAgo = new Date(Date.now() - 25 * 60 * 60 * 1000)
  await utimes(join(dir, 'incoming', 'crashed'), longAgo, longAgo)
  await diskStorage({ dir }).put('k', Readable.from(['x']), { maxBytes })
  expect(await readdir(join(dir, 'incoming'))).toEqual(['young'])
})

test('what was stored is there after a restart, for this user alone', async () => {
  const dir = await newFolder()
  await diskStorage({ dir }).put('k', Readable.from(['kept']), { maxBytes })
  const got = await diskStorage({ dir }).get('k')
  expect(await got?.body.toArray()).toEqual([Buffer.from('kept')])
  if (process.platform !== 'win32')
    expect((await stat(join(dir, 'objects', 'k'))).mode & 0o077).toBe(0)
})

test('a folder that is gone is an outage, which a probe finds and which ends with it', async () => {
  const dir = await newFolder()
  const storage = diskStorage({ dir })
  await storage.probe()
  await rename(dir, `${dir}-away`)
  const put = () => storage.put('k', Readable.from('x'), { maxBytes })
  for (const work of [() => storage.probe(), put])
    await expect(work()).rejects.toMatchObject({ code: 'UNAVAILABLE', missing: 'storage' })
  await rename(`${dir}-away`, dir)
  await storage.probe()
})

test('a folder that cannot be made is told to whoever uses it', async () => {
  const dir = join(await newFolder(), 'file')
  await writeFile(dir, '')
  await expect(diskStorage({ dir }).get('k')).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    missing: 'storage',
    cause: { code: 'ENOTDIR' },
  })
})
