import { BadArchive, quoted } from './bad-archive.ts'

/** The bytes of a stream, taken by number. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]()
  }

  /** What comes next, at most `count` bytes; undefined at the end. */
  async some(count: number): Promise<Buffer | undefined> {
    while (this.#rest.length === 0) {
      const { value, done } = await this.#chunks.next()
      if (done) return undefined
      this.#rest = value
    }
    const some = this.#rest.subarray(0, count)
    this.#rest = this.#rest.subarray(some.length)
    return some
  }

  /** The next `count` bytes; fewer at the end. To be used for little: they stand in memory. */
  async take(count: number): Promise<Buffer> {
    const taken: Buffer[] = []
    for (let left = count; left > 0;) {
      const some = await this.some(left)
      if (some === undefined) break
      taken.push(some)
      left -= some.length
    }
    return taken.length === 1 && taken[0] ? taken[0] : Buffer.concat(taken)
  }

  /** The next `count` bytes, of `whose`, as they come. Throws BadArchive where there are fewer. */
  async *exactly(count: number, whose: string): AsyncGenerator<Buffer> {
    for (let left = count; left > 0;) {
      const some = await this.some(left)
      if (some === undefined)
        throw new BadArchive(`The archive is cut off within its entry ${quoted(whose)}.`)
      left -= some.length
      yield some
    }
  }
}
