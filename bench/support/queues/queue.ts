/** A queue of jobs that do nothing, on one PostgreSQL server. */
export interface Queue {
  readonly name: string
  /** Puts one job into the queue; resolves when it is stored. */
  add(): Promise<void>
  /** So many at once, in whatever way is quickest. */
  addMany(count: number): Promise<void>
  /** Takes jobs, `concurrency` at a time, and tells of each when it begins and when its end is stored. */
  work(concurrency: number, told: Told): Promise<{ stop(): Promise<void> }>
  close(): Promise<void>
}

interface Told {
  begun(): void
  ended(): void
}
