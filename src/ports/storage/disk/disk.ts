import { createHash, randomUUID } from 'node:crypto'
import {
  mkdir,
  open,
  readdir,
  rename,
  rm,
  stat,
  writeFile,
  type FileHandle,
} from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { addAbortSignal } from 'node:stream'
import { closeToOthers } from '../../../kit/processes/close-to-others.ts'
import { Outage } from '../../../kit/errors.ts'
import { segmentsOf } from '../key.ts'
import { TooLarge, type Storage } from '../storage.ts'

const DAY_MS = 24 * 60 * 60 * 1000

/**
 * A Storage in a folder: `objects/` holds what is stored, `incoming/` what is being received. Bytes are received
 * into a file of their own, flushed to the disk and then renamed, so a key is whole or absent whenever the
 * machine stops, and a reader keeps the version that it opened. What a crash left in `incoming/` goes when its
 * `owner`, a name nobody else on this folder has, opens it again, or after a day.
 *
 * `put` leaves a body that it could not take (TooLarge, a full disk) to whoever opened it, so that an answer can
 * still be sent on its connection; the signal destroys it.
 */
export function diskStorage(options: { dir: string; owner?: string }): Storage {
  const dir = resolve(options.dir)
  const objects = join(dir, 'objects')
  const incoming = join(dir, 'incoming')
  const prefix = options.owner === undefined ? '' : `${options.owner}.`
  const ready = onDisk(() => prepare(dir, objects, incoming, prefix))
  ready.catch(() => {}) // every call below awaits it and tells its own caller

  /** Folders bear a `+`, which no key has, so that `a` and `a/b` can both be stored. */
  function fileOf(key: string): string {
    const segments = segmentsOf(key)
    return join(objects, ...segments.slice(0, -1).map((name) => `${name}+`), segments.at(-1) ?? '')
  }

  async function place(file: string, key: string): Promise<void> {
    const target = fileOf(key)
    await mkdir(dirname(target), { recursive: true })
    await rename(file, target)
    // up to the top: a folder above may be new, made by us or by somebody at the same moment
    for (let folder = dirname(target); folder !== dir; folder = dirname(folder))
      await syncFolder(folder)
  }

  return {
    async put(key, body, { maxBytes, onProgress, signal }) {
      body.on('error', () => {}) // it may break before it is read; reading it then throws the same error
      fileOf(key)
      signal?.throwIfAborted()
      if (signal) addAbortSignal(signal, body)
      await ready
      const file = join(incoming, `${prefix}${randomUUID()}`)
      const hash = createHash('sha256')
      let sizeBytes = 0
      try {
        const handle = await onDisk(() => open(file, 'wx', 0o600))
        try {
          for await (const chunk of body.iterator({ destroyOnReturn: false })) {
            const bytes = bytesOf(chunk)
            sizeBytes += bytes.length
            if (sizeBytes > maxBytes) throw new TooLarge(maxBytes)
            hash.update(bytes)
            await onDisk(() => writeWhole(handle, bytes))
            onProgress?.(sizeBytes)
          }
          await onDisk(() => handle.sync())
        } finally {
          await handle.close()
        }
        signal?.throwIfAborted()
        await onDisk(() => place(file, key))
      } catch (cause) {
        await onDisk(() => rm(file, { force: true }))
        throw cause
      }
      return { sizeBytes, sha256: hash.digest('hex') }
    },

    async get(key, range) {
      const file = fileOf(key)
      await ready
      const handle = await onDisk(() => open(file).catch(absent))
      if (handle === undefined) return undefined
      try {
        const { size } = await onDisk(() => handle.stat())
        if (range !== undefined && range.first >= size)
          throw new RangeError(`${key} has ${size} bytes, and none from ${range.first} on.`)
        const part = range && { start: range.first, end: range.last }
        return { body: handle.createReadStream(part), sizeBytes: size }
      } catch (cause) {
        await handle.close()
        throw cause
      }
    },

    async move(from, to) {
      const [source, target] = [fileOf(from), fileOf(to)]
      await ready
      if ((await onDisk(() => stat(source).catch(absent))) === undefined)
        throw new Error(`Nothing is stored under ${JSON.stringify(from)}.`)
      if (source === target) return
      await onDisk(async () => {
        await place(source, to)
        await syncFolder(dirname(source))
      })
    },

    async delete(key) {
      const file = fileOf(key)
      await ready
      await onDisk(async () => {
        if ((await rm(file).then(() => true, absent)) === true) await syncFolder(dirname(file))
      })
    },

    async probe() {
      await ready
      const file = join(incoming, `${prefix}${randomUUID()}`)
      await onDisk(async () => {
        try {
          await writeFile(file, PROBE)
        } finally {
          await rm(file, { force: true })
        }
      })
    },
  }
}

/** Enough to take a block of the disk. */
const PROBE = Buffer.alloc(4096, 'millrace')

/** Does something to the disk; what the system refuses is an outage. */
async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw cause instanceof Error && 'syscall' in cause ? new Outage('storage', cause) : cause
  }
}

async function prepare(
  dir: string,
  objects: string,
  incoming: string,
  prefix: string,
): Promise<void> {
  await mkdir(objects, { recursive: true })
  await mkdir(incoming, { recursive: true })
  await closeToOthers(dir, { group: false }) // servers may share it by their group
  await syncFolder(dir)
  for (const name of await readdir(incoming)) {
    const file = join(incoming, name)
    const found = await stat(file).catch(absent) // another server may remove it at this moment
    const isOurs = prefix !== '' && name.startsWith(prefix)
    if (found !== undefined && (isOurs || Date.now() - found.mtimeMs > DAY_MS))
      await rm(file, { force: true })
  }
}

function bytesOf(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk
  if (typeof chunk === 'string') return Buffer.from(chunk)
  throw new TypeError('A body to be stored must be a stream of bytes or text.')
}

async function writeWhole(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  let written = 0
  while (written < bytes.length)
    written += (await handle.write(bytes, written, bytes.length - written)).bytesWritten
}

/** A rename is safe when its folder is on the disk. Windows has no such thing and needs none. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function absent(cause: unknown): undefined {
  if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
  throw cause
}
