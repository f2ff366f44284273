import { Query, type QueryResult } from 'pg'
import { mustHave } from '../kit/patch.ts'

/** Who counts the bytes of rows before they are kept. */
export interface RowBounds {
  /** Takes note of so many more; answers why they are too many. */
  grow(bytes: number): Error | undefined
}

/** What `pg` has and its types leave out. */
interface Rows {
  /** Set, rows are read over, and the query ends with this error. */
  _canceledDueToError: Error | false
  handleDataRow(message: { readonly length: number }): void
}

mustHave('pg', 'Query.handleDataRow', 'handleDataRow' in Query.prototype)
mustHave('pg', 'Query._canceledDueToError', '_canceledDueToError' in new Query(''))

type Heard = (error: Error | undefined, result: QueryResult) => void
const Plain = Query as unknown as new (
  config: object,
  values: unknown,
  callback: Heard,
) => Query & Rows

/** A query whose rows are counted as they come: past the bounds none is kept, and it ends with the reason. */
export class BoundedQuery extends Plain {
  readonly #bounds: RowBounds

  constructor(config: object, values: unknown, bounds: RowBounds, heard: Heard) {
    super(config, values, heard)
    this.#bounds = bounds
  }

  override handleDataRow(message: { readonly length: number }): void {
    if (!this._canceledDueToError)
      this._canceledDueToError = this.#bounds.grow(message.length) ?? false
    super.handleDataRow(message)
  }
}

/** Bounds of one statement that belongs to no operation. */
export class StatementBounds implements RowBounds {
  #left: number
  readonly #why: () => Error

  constructor(bytes: number, why: () => Error) {
    this.#left = bytes
    this.#why = why
  }

  grow(bytes: number): Error | undefined {
    this.#left -= bytes
    return this.#left < 0 ? this.#why() : undefined
  }
}
