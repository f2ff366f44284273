import { writeCursor, type Batch, type Entry, type StreamId } from '../streams/index.ts'
import type { Delivery } from './types.ts'

/** How the entries of one subscription are shown. */
export interface Showing<E extends Entry, D extends object> {
  /** What a delivery has besides its cursor. */
  readonly show: (entries: readonly E[]) => D
  /** About how large an entry is beside others. */
  readonly sizeOf: (entry: E) => number
  /** An entry that is too large for one delivery, in pieces of at most this share of it. */
  readonly cut?: ((entry: E, share: number) => readonly E[]) | undefined
}

/** A Portion of any stream, as far as it need be known to deliver it. */
export interface Deliverable {
  readonly stream: StreamId
  readonly delivery: Delivery
  /** The number before the first entry, and that to resume after. */
  readonly after: number
  readonly position: number
  readonly count: number
  /** About how large its entries are. */
  readonly size: number
  /** Whether it does nothing but move the cursor on. */
  readonly isQuiet: boolean
  /** The same in portions: the first of this size at most, or of one entry, and the rest. */
  split(size: number): readonly Deliverable[]
  /** Its only entry in pieces of at most this share of it, where there is but one and it can be cut. */
  pieces(share: number): readonly Deliverable[]
}

/** What a subscription is to deliver, if that has a cursor. */
export const asDeliverable = (event: unknown): Deliverable | undefined =>
  event instanceof Portion ? event : undefined

/**
 * Entries that are delivered together. Where they are too large together they can be delivered in several portions,
 * each with a cursor of its own. Of an entry in pieces only the last piece moves the cursor on.
 */
export class Portion<E extends Entry, D extends object> implements Deliverable {
  readonly stream: StreamId
  readonly delivery: D & Delivery
  readonly after: number
  readonly position: number
  readonly #entries: readonly E[]
  readonly #showing: Showing<E, D>
  readonly #isPiece: boolean

  constructor(
    stream: StreamId,
    showing: Showing<E, D>,
    after: number,
    { entries, position, gap, end }: Batch<E>,
    isPiece = false,
  ) {
    this.stream = stream
    this.after = after
    this.position = position
    this.#entries = entries
    this.#showing = showing
    this.#isPiece = isPiece
    this.delivery = { ...showing.show(entries), cursor: writeCursor(stream, position), gap, end }
  }

  get count(): number {
    return this.#entries.length
  }

  get isQuiet(): boolean {
    return this.count === 0 && !this.delivery.gap && !this.delivery.end
  }

  get size(): number {
    return this.#entries.reduce((sum, entry) => sum + this.#showing.sizeOf(entry), 0)
  }

  split(size: number): readonly Portion<E, D>[] {
    let count = 0
    let rest = size
    for (const entry of this.#entries) {
      rest -= this.#showing.sizeOf(entry)
      if (rest < 0 && count > 0) break
      count += 1
    }
    const last = this.#entries[count - 1]
    if (last === undefined || count === this.count) return [this]
    const { gap, end } = this.delivery
    return [
      this.#part(this.after, {
        entries: this.#entries.slice(0, count),
        position: last.number,
        gap,
      }),
      this.#part(last.number, {
        entries: this.#entries.slice(count),
        position: this.position,
        end,
      }),
    ]
  }

  pieces(share: number): readonly Portion<E, D>[] {
    const [entry, another] = this.#entries
    const { cut } = this.#showing
    if (this.#isPiece || entry === undefined || another !== undefined || !cut) return [this]
    const pieces = cut(entry, share)
    const { gap, end } = this.delivery
    return pieces.map((piece, place) => {
      const isLast = place === pieces.length - 1
      const position = isLast ? this.position : this.after
      const batch = {
        entries: [piece],
        position,
        gap: place === 0 ? gap : undefined,
        end: isLast ? end : undefined,
      }
      return this.#part(this.after, batch, true)
    })
  }

  #part(after: number, batch: Batch<E>, isPiece = false): Portion<E, D> {
    return new Portion(this.stream, this.#showing, after, batch, isPiece)
  }
}
