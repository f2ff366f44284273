import { noBytes, type RawEntry } from './entry.ts'

/** How files begin in which macOS keeps, beside a file, what other file systems have no place for. */
const APPLE_DOUBLE = Buffer.from([0x00, 0x05, 0x16, 0x07])

/**
 * Whether an entry is what macOS adds by itself to whatever it packs: `.DS_Store`, all in `__MACOSX`, and files `._…`
 * beside others; a user's own file of such a name is none. The entry that comes back is to be read in its place.
 */
export async function sortedOut(entry: RawEntry): Promise<{ entry: RawEntry; isLeftOut: boolean }> {
  const segments = entry.name.split('/').filter((segment) => segment !== '')
  const last = segments.at(-1) ?? ''
  if (segments.includes('__MACOSX')) return { entry, isLeftOut: true }
  if (entry.kind !== 'file') return { entry, isLeftOut: false }
  if (last === '.DS_Store') return { entry, isLeftOut: true }
  if (!last.startsWith('._')) return { entry, isLeftOut: false }
  const { head, body } = await begun(entry.body)
  return { entry: { ...entry, body }, isLeftOut: head.subarray(0, 4).equals(APPLE_DOUBLE) }
}

/** The first bytes of a body, enough to tell it by, and all of it. */
async function begun(
  body: AsyncIterable<Buffer>,
): Promise<{ head: Buffer; body: AsyncIterable<Buffer> }> {
  const chunks = body[Symbol.asyncIterator]()
  let head: Buffer = Buffer.alloc(0)
  while (head.length < APPLE_DOUBLE.length) {
    const { value, done } = await chunks.next()
    if (done) return { head, body: head.length === 0 ? noBytes() : only(head) }
    head = Buffer.concat([head, value])
  }
  async function* whole(): AsyncGenerator<Buffer> {
    try {
      yield head
      for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value
    } finally {
      await chunks.return?.()
    }
  }
  return { head, body: whole() }
}

async function* only(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}
