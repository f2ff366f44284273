import type { Entry, Head, StreamPage, StreamKind } from './stream.ts'

/** What the window of a stream may hold; older entries are read from the table again. */
const WINDOW_ENTRIES = 2_000
const WINDOW_BYTES = 1_048_576
/** Entries fetched at a time. */
const FETCH = 1_000

/**
 * What all followers of one stream in this server share: the head, and a window of the newest entries that were
 * read. Entries are fetched once, when the first follower needs them.
 */
export class Reader<E extends Entry> {
  readonly kind: StreamKind<E>
  readonly id: string
  onClose: () => void = () => {}
  #head = 0
  #isClosed = false
  /** The window holds the entries up to this number, without a hole. */
  #end = 0
  #window: E[] = []
  #windowBytes = 0
  #fetching: Promise<void> | undefined
  #isGone = false
  readonly #waiting = new Set<() => void>()

  constructor(kind: StreamKind<E>, id: string) {
    this.kind = kind
    this.id = id
  }

  /** True once nobody keeps it up to date any more. */
  get isGone(): boolean {
    return this.#isGone
  }

  get head(): number {
    return this.#head
  }

  /** True when a follower at `position` has everything and nothing more will come. */
  isAtEnd(position: number): boolean {
    return this.#isClosed && position === this.#head
  }

  /** True when what follows `position` is what the window takes in next. */
  isNext(position: number): boolean {
    return position === this.#end && position < this.#head
  }

  /** A follower has reached the head by itself: the window goes on from there. */
  arrive(position: number): void {
    if (position > this.#end) this.#clear(position)
  }

  /** Up to `limit` entries after `position`, if the window has them. */
  take(position: number, limit: number): readonly E[] | undefined {
    const start = this.#end - this.#window.length
    if (position < start || position >= this.#end) return undefined
    return this.#window.slice(position - start, position - start + limit)
  }

  /** Reads on behind the window; followers that ask meanwhile share the read. */
  fetch(): Promise<void> {
    this.#fetching ??= this.#fetchOnce().finally(() => (this.#fetching = undefined))
    return this.#fetching
  }

  /** Begins at a head. */
  begin(head: Head): void {
    this.saw(head)
    this.#clear(head.head)
  }

  /** Takes note of a head; a lower one means that the database was restored, or a look that was overtaken. */
  saw({ head, isClosed }: Head): void {
    if (head === this.#head && isClosed === this.#isClosed) return
    this.#head = head
    this.#isClosed = isClosed
    if (head < this.#end) this.#clear(head)
    this.#wake()
  }

  /** Resolves at the next change of the head, or when the signal fires. */
  changed(signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#isGone) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      this.#waiting.add(done)
      signal.addEventListener('abort', done, { once: true })
    })
  }

  close(): void {
    this.#isGone = true
    this.onClose()
    this.#wake()
    this.#clear(this.#end)
  }

  async #fetchOnce(): Promise<void> {
    const after = this.#end
    const page: StreamPage<E> = await this.kind.read(this.id, after, FETCH)
    if (this.#end !== after) return // the window was moved meanwhile
    const first = page.entries[0]
    // retention was faster than the window: start anew behind the gap, which followers find in the table
    if (first === undefined) this.#clear(page.head)
    else if (first.number !== after + 1) this.#clear(first.number - 1)
    for (const entry of page.entries) {
      this.#window.push(entry)
      this.#windowBytes += this.kind.sizeBytes(entry)
    }
    this.#end += page.entries.length
    this.#trim()
    this.saw(page)
  }

  #trim(): void {
    let drop = Math.max(0, this.#window.length - WINDOW_ENTRIES)
    let bytes = this.#windowBytes
    for (let i = 0; i < this.#window.length - 1; i += 1) {
      const entry = this.#window[i]
      if (entry === undefined || (i >= drop && bytes <= WINDOW_BYTES)) break
      bytes -= this.kind.sizeBytes(entry)
      drop = Math.max(drop, i + 1)
    }
    if (drop > 0) this.#window.splice(0, drop)
    this.#windowBytes = bytes
  }

  #clear(end: number): void {
    this.#end = end
    this.#window = []
    this.#windowBytes = 0
  }

  #wake(): void {
    for (const done of this.#waiting) done()
  }
}
