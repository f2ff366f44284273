/** A queue of jobs that do nothing, on one PostgreSQL server. */
export interface Queue {
  readonly name: string
  /** Puts one job into the queue; resolves when it is stored. */
  add(): Promise<void>
  /** So many at once, in whatever way is quickest. */
  addMany(count: number): Promise<void>
  /**
   * Takes jobs, `concurrency` at a time, and tells of each when it begins and when its end is stored. `ahead`: how many
   * more it takes before it has room for them; a queue that `takesAhead` not is given 0.
   */
  work(concurrency: number, told: Told, ahead: number): Promise<{ stop(): Promise<void> }>
  readonly takesAhead: boolean
  close(): Promise<void>
}

interface Told {
  begun(): void
  ended(): void
}
