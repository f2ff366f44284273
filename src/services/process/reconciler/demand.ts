/**
 * How many requests a service has had in flight at once, now and lately. Of the past it keeps only what a window may
 * still ask for: each number that was higher than all that followed it, and until when it was there.
 */
export class Demand {
  #now = 0
  #past: { readonly inFlight: number; readonly until: number }[] = []

  get now(): number {
    return this.#now
  }

  /** From this moment on there are so many. */
  set(inFlight: number, at: number): void {
    if (inFlight < this.#now) {
      while ((this.#past.at(-1)?.inFlight ?? Infinity) <= this.#now) this.#past.pop()
      this.#past.push({ inFlight: this.#now, until: at })
    }
    this.#now = inFlight
  }

  /** Nobody knows what there was before this moment: it may have been any number. */
  forget(at: number): void {
    this.#past = [{ inFlight: Infinity, until: at }]
  }

  /** The most there were in the window that ends now. */
  peak(at: number, windowMs: number): number {
    while ((this.#past[0]?.until ?? Infinity) <= at - windowMs) this.#past.shift()
    return Math.max(this.#now, this.#past[0]?.inFlight ?? 0)
  }

  /** When the peak of the window may next be lower; undefined while it is what there is now. */
  fallsAt(windowMs: number): number | undefined {
    const [highest] = this.#past
    return highest && highest.until + windowMs
  }
}
