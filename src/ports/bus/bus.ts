/**
 * The Bus carries hints between the servers of one installation: "stream X has reached n", "service Y wants
 * attention". A hint may be lost or repeated and never carries data; whoever hears it reads the database.
 */
export interface Bus {
  /** Tells all who listen to `topic`, on every server, this one included. Never throws: a lost hint costs latency only. */
  publish(topic: string, hint: string): void
  /** Calls `listener` for every hint on `topic` until the returned function is called. Resolves once hints arrive. */
  subscribe(topic: string, listener: (hint: string) => void): Promise<() => void>
  /** Ends all subscriptions and connections. */
  close(): Promise<void>
}
