import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { TooLarge, type Storage } from '../../../src/ports/storage/storage.ts'

const MIB = 1024 * 1024
const BIG_BYTES = 50 * MIB
const anySize = { maxBytes: Number.MAX_SAFE_INTEGER }

/** What every Storage promises. `make` gives an empty one and cleans up after the test by itself. */
export function conformsToStorage(name: string, make: () => Promise<Storage>): void {
  describe(`${name} is a storage`, () => {
    test('what was put is given back, with its size and its SHA-256', async () => {
      const storage = await make()
      const bytes = Buffer.from([0, 255, 10, 13, 0, 128])
      const put = await storage.put('archives/4f2a.tar-gz_1', Readable.from([bytes]), anySize)
      expect(put).toEqual({ sizeBytes: 6, sha256: sha256(bytes) })
      const got = await storage.get('archives/4f2a.tar-gz_1')
      expect(got?.sizeBytes).toBe(6)
      expect(await buffer(got?.body ?? Readable.from([]))).toEqual(bytes)
    })

    test('nothing at all is something that can be stored', async () => {
      const storage = await make()
      const put = await storage.put('empty', Readable.from([]), { maxBytes: 0 })
      expect(put).toEqual({ sizeBytes: 0, sha256: sha256('') })
      expect(await read(storage, 'empty')).toBe('')
    })

    test('a text stream is stored as UTF-8', async () => {
      const storage = await make()
      const put = await storage.put('text', Readable.from(['é', '☃']), anySize)
      expect(put).toEqual({ sizeBytes: 5, sha256: sha256('é☃') })
      expect(await read(storage, 'text')).toBe('é☃')
    })

    test('a key that holds nothing gives undefined', async () => {
      const storage = await make()
      await put(storage, 'a/b', 'x')
      for (const key of ['b', 'a', 'a/c', 'a/b/c', 'A/B'])
        expect(await storage.get(key)).toBeUndefined()
    })

    test('a part of the bytes is given back alone, with the size of all', async () => {
      const storage = await make()
      await put(storage, 'k', '0123456789')
      const part = async (first: number, last: number) => {
        const got = await storage.get('k', { first, last })
        return [got?.sizeBytes, await text(got?.body ?? Readable.from([]))]
      }
      expect(await part(0, 0)).toEqual([10, '0'])
      expect(await part(3, 5)).toEqual([10, '345'])
      expect(await part(9, 9)).toEqual([10, '9'])
      expect(await part(0, 9)).toEqual([10, '0123456789'])
      expect(await part(7, 1e12)).toEqual([10, '789'])
    })

    test('a part that begins behind the bytes is a RangeError, one of nothing is undefined', async () => {
      const storage = await make()
      await put(storage, 'k', '0123456789')
      await put(storage, 'empty', '')
      await expect(storage.get('k', { first: 10, last: 20 })).rejects.toThrow(RangeError)
      await expect(storage.get('empty', { first: 0, last: 0 })).rejects.toThrow(RangeError)
      expect(await storage.get('nothing', { first: 0, last: 0 })).toBeUndefined()
      expect(await read(storage, 'k')).toBe('0123456789')
    })

    test('one key may begin like another', async () => {
      const storage = await make()
      for (const key of ['a', 'a/b', 'a/b/c', 'a.b', 'incoming/a']) await put(storage, key, key)
      for (const key of ['a', 'a/b', 'a/b/c', 'a.b', 'incoming/a'])
        expect(await read(storage, key)).toBe(key)
    })

    test.each([
      '',
      '/',
      '/a',
      'a/',
      'a//b',
      '.',
      '..',
      '../a',
      'a/../b',
      'a/./b',
      'a\\b',
      'a b',
      'a\0',
    ])('the key %j is refused everywhere', async (key) => {
      const storage = await make()
      await put(storage, 'here', 'x')
      const refused = `${JSON.stringify(key)} is not a storage key.`
      await expect(put(storage, key, 'x')).rejects.toThrow(refused)
      await expect(storage.get(key)).rejects.toThrow(refused)
      await expect(storage.move(key, 'a')).rejects.toThrow(refused)
      await expect(storage.move('here', key)).rejects.toThrow(refused)
      await expect(storage.delete(key)).rejects.toThrow(refused)
      expect(await read(storage, 'here')).toBe('x')
    })

    test('bytes up to the limit are taken, one more is TooLarge and keeps what was there', async () => {
      const storage = await make()
      await storage.put('k', Readable.from(['12', '34']), { maxBytes: 4 })
      const body = Readable.from(['12', '345', '6'])
      const error = await storage.put('k', body, { maxBytes: 4 }).catch((cause: unknown) => cause)
      expect(error).toBeInstanceOf(TooLarge)
      expect(error).toMatchObject({ limitBytes: 4 })
      expect(await read(storage, 'k')).toBe('1234')
      await expect(put(storage, 'new', '12345', 4)).rejects.toThrow(TooLarge)
      expect(await storage.get('new')).toBeUndefined()
    })

    test('a body that is too large can still be read on, so that its sender can be answered', async () => {
      const storage = await make()
      const body = Readable.from(['123', 'rest'])
      await expect(storage.put('k', body, { maxBytes: 2 })).rejects.toThrow(TooLarge)
      expect(body.destroyed).toBe(false)
      expect(await text(body)).toBe('rest')
    })

    test('a body that breaks off throws its own error and keeps what was there', async () => {
      const storage = await make()
      await put(storage, 'k', 'whole')
      const broken = Readable.from(breaking())
      await expect(storage.put('k', broken, anySize)).rejects.toThrow('the sender hung up')
      expect(await read(storage, 'k')).toBe('whole')
    })

    test('a body that was over before it was read keeps nothing', async () => {
      const storage = await make()
      const failed = new Readable({ read() {} }).destroy(new Error('the sender hung up'))
      await expect(storage.put('k', failed, anySize)).rejects.toThrow('the sender hung up')
      const cut = new Readable({ read() {} }).destroy()
      await expect(storage.put('k', cut, anySize)).rejects.toThrow('Premature close')
      expect(await storage.get('k')).toBeUndefined()
    })

    test('a signal ends a put that waits for its body, and keeps nothing', async () => {
      const storage = await make()
      const abort = new AbortController()
      const body = new Readable({ read() {} })
      body.push('some')
      const options = { ...anySize, signal: abort.signal, onProgress: () => abort.abort() }
      await expect(storage.put('k', body, options)).rejects.toThrow(/abort/i)
      expect(await storage.get('k')).toBeUndefined()
      const again = storage.put('k', Readable.from(['x']), options)
      await expect(again).rejects.toThrow(/abort/i)
      expect(await storage.get('k')).toBeUndefined()
    })

    test('a signal that fires later changes nothing', async () => {
      const storage = await make()
      const abort = new AbortController()
      await storage.put('k', Readable.from(['x']), { ...anySize, signal: abort.signal })
      abort.abort()
      expect(await read(storage, 'k')).toBe('x')
    })

    test('a reader keeps the version that it opened, the next one sees the new', async () => {
      const storage = await make()
      const [old, young] = ['old', 'young'].map((word) => word.repeat(100_000))
      await put(storage, 'k', old ?? '')
      const reader = await storage.get('k')
      await put(storage, 'k', young ?? '')
      expect(await text(reader?.body ?? Readable.from([]))).toBe(old)
      expect(await read(storage, 'k')).toBe(young)
    })

    test('while a key is replaced again and again, readers see whole versions only', async () => {
      const storage = await make()
      await put(storage, 'k', version(0))
      const seen = new Set<string>()
      const progress = { isDone: false }
      const writing = async (): Promise<void> => {
        for (let n = 1; n <= 30; n++) await put(storage, 'k', version(n))
        progress.isDone = true
      }
      const reading = async (): Promise<void> => {
        while (!progress.isDone) seen.add(await read(storage, 'k'))
      }
      await Promise.all([writing(), reading()])
      expect([...seen].filter((content) => content !== version(Number(content[0])))).toEqual([])
      expect(await read(storage, 'k')).toBe(version(30))
    })

    test('puts of one key at once leave one of them, whole', async () => {
      const storage = await make()
      const words = Array.from({ length: 8 }, (_, n) => String(n).repeat(150_000))
      await Promise.all(words.map((word) => put(storage, 'k', word)))
      expect(words).toContain(await read(storage, 'k'))
    })

    test('move takes the bytes along and replaces what was there', async () => {
      const storage = await make()
      await put(storage, 'incoming/1', 'new')
      await put(storage, 'deep/er/2', 'old')
      await storage.move('incoming/1', 'deep/er/2')
      expect(await read(storage, 'deep/er/2')).toBe('new')
      expect(await storage.get('incoming/1')).toBeUndefined()
      await storage.move('deep/er/2', 'deep/er/2')
      expect(await read(storage, 'deep/er/2')).toBe('new')
    })

    test('moving nothing is an error, and leaves the target alone', async () => {
      const storage = await make()
      await put(storage, 'k', 'here')
      await expect(storage.move('nothing', 'k')).rejects.toThrow(
        'Nothing is stored under "nothing".',
      )
      expect(await read(storage, 'k')).toBe('here')
    })

    test('delete removes the key, and what is not there is no error', async () => {
      const storage = await make()
      await put(storage, 'a/k', 'x')
      await storage.delete('a/k')
      expect(await storage.get('a/k')).toBeUndefined()
      for (const key of ['a/k', 'a', 'nothing/at/all']) await storage.delete(key)
    })

    test('50 MB pass through a put without standing in memory', async () => {
      const storage = await make()
      const hash = createHash('sha256')
      let [made, stored, widest] = [0, 0, 0]
      function* bytes(): Generator<Buffer> {
        while (made < BIG_BYTES) {
          const chunk = Buffer.alloc(MIB / 16, made / MIB)
          hash.update(chunk)
          made += chunk.length
          widest = Math.max(widest, made - stored)
          yield chunk
        }
      }
      const body = Readable.from(bytes())
      const onProgress = (soFar: number): void => void (stored = soFar)
      const put = await storage.put('big', body, { maxBytes: BIG_BYTES, onProgress })
      expect(put).toEqual({ sizeBytes: BIG_BYTES, sha256: hash.digest('hex') })
      expect(stored).toBe(BIG_BYTES)
      expect(widest).toBeLessThan(4 * MIB)
    })

    test('50 MB come out of a get no faster than they are read', async () => {
      const storage = await make()
      const chunk = Buffer.alloc(MIB, 7)
      const chunks = Readable.from(Array.from({ length: 50 }, () => chunk))
      const { sha256 } = await storage.put('big', chunks, anySize)
      const got = await storage.get('big')
      const hash = createHash('sha256')
      let widest = 0
      for await (const part of got?.body ?? Readable.from([])) {
        hash.update(part)
        widest = Math.max(widest, got?.body.readableLength ?? 0)
      }
      expect(hash.digest('hex')).toBe(sha256)
      expect(widest).toBeLessThan(4 * MIB)
    })
  })
}

async function put(storage: Storage, key: string, content: string, maxBytes = 1e9): Promise<void> {
  await storage.put(key, Readable.from([content]), { maxBytes })
}

async function read(storage: Storage, key: string): Promise<string> {
  const got = await storage.get(key)
  if (got === undefined) throw new Error(`Nothing is stored under ${key}.`)
  return text(got.body)
}

async function* breaking(): AsyncGenerator<string> {
  yield 'ha'
  throw new Error('the sender hung up')
}

const version = (n: number): string => String(n % 10).repeat(200_000)
const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex')
