import { within, type Scale } from '../scale.ts'
import { Demand } from './demand.ts'

/** Another number of instances, and why. */
export interface Decision {
  readonly desired: number
  readonly reason: string
}

/**
 * Decides how many instances a service needs: as many as its requests in flight take at `targetInFlight` each, never
 * fewer than `min` or more than `max`. More are wanted at once; fewer when for a whole calm time no more were needed.
 * What it has not seen, before it began or before somebody changed the scale, may have been any number, so a calm time
 * begins then. It writes nothing: it wakes whoever does.
 */
export class Autoscaler {
  readonly #calmMs: number
  readonly #wake: () => void
  readonly #demand = new Demand()
  #scale: Scale | undefined
  #ceiling: { readonly count: number; readonly until: number } | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(calmMs: number, wake: () => void) {
    this.#calmMs = calmMs
    this.#wake = wake
  }

  /** The scale as it is written now; undefined while the service does not run. */
  follow(scale: Scale | undefined): void {
    if (scale !== undefined && !isSame(scale, this.#scale)) this.#demand.forget(performance.now())
    this.#scale = scale
    this.#arm()
  }

  /** A decision was written. */
  decided(desired: number): void {
    if (this.#scale !== undefined) this.#scale = { ...this.#scale, desired }
  }

  /** So many requests are in flight now. */
  saw(inFlight: number): void {
    this.#demand.set(inFlight, performance.now())
    if (this.decision() === undefined) this.#arm()
    else this.#wake()
  }

  /** More than `count` cannot be had: for a calm time no more are asked for. */
  hold(count: number): void {
    this.#ceiling = { count, until: performance.now() + this.#calmMs }
  }

  /** What is to change now. */
  decision(): Decision | undefined {
    const scale = this.#scale
    if (!scale?.autoscale) return undefined
    const at = performance.now()
    const { desired, targetInFlight } = scale
    const each = `${targetInFlight} per instance`
    const { now } = this.#demand
    const needed = this.#needed(scale, now, at)
    if (needed > desired)
      return { desired: needed, reason: `${requests(now)} in flight, ${each} are aimed at.` }
    const peak = this.#demand.peak(at, this.#calmMs)
    const enough = this.#needed(scale, peak, at)
    if (enough >= desired) return undefined
    const most = peak === 0 ? 'No request' : `At most ${requests(peak)} at once`
    return {
      desired: enough,
      reason: `${most} for ${this.#calmMs / 1000} s, ${each} are aimed at.`,
    }
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#scale = undefined
  }

  #needed({ min, max, targetInFlight }: Scale, inFlight: number, at: number): number {
    const ceiling =
      this.#ceiling !== undefined && at < this.#ceiling.until ? this.#ceiling.count : max
    return within(Math.ceil(inFlight / targetInFlight), { min, max: Math.min(max, ceiling) })
  }

  /** Wakes when the calm may be over; one timer at a time, however many requests come and go. */
  #arm(): void {
    if (this.#timer !== undefined || !this.#scale?.autoscale) return
    if (this.#scale.desired <= this.#scale.min) return
    const at = this.#demand.fallsAt(this.#calmMs)
    if (at === undefined) return // the next request that ends arms it
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined
        if (this.decision() === undefined) this.#arm()
        else this.#wake()
      },
      Math.max(1, at - performance.now()),
    )
  }
}

const isSame = (one: Scale, other: Scale | undefined): boolean =>
  JSON.stringify(one) === JSON.stringify(other)

const requests = (count: number): string => (count === 1 ? '1 request' : `${count} requests`)
