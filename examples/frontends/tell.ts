import { shownLines, type LogLineState } from 'millrace/client'

/** What the samples print: each line of the log once with its number, as soon as it is finished, each new state of the service, gaps and ends. */

export interface Settings {
  /** Where Millrace is, such as http://127.0.0.1:4000. */
  readonly url: string
  /** A token; a browser that has signed in by cookie needs none. */
  readonly token: string | undefined
  /** The service to follow: handle or id. */
  readonly service: string
  readonly print: (text: string) => void
}

/** What every subscription delivers besides its own. */
interface Standing {
  readonly gap?: { readonly from: number; readonly to: number } | null | undefined
  readonly end?: { readonly lastNumber: number } | null | undefined
}

interface Service {
  readonly handle: string
  readonly status: string
  readonly revision: number
}

interface Line extends LogLineState {
  readonly text: string
}

export function telling(print: (text: string) => void) {
  // lines that are not finished; a page would show them, below all others
  let open: readonly Line[] = []
  // a gap comes before what the same delivery has; its end comes behind it
  const gap = (what: string, { gap }: Standing): void => {
    if (gap) print(`${what}: ${gap.from} to ${gap.to} are gone, removed before they were read`)
  }
  const end = (what: string, { end }: Standing): void => {
    if (end) print(`${what}: this is the end; with 1 to ${end.lastNumber} everything is here`)
  }
  return {
    service: ({ handle, status, revision }: Service): void =>
      print(`${handle} is ${status} (revision ${revision})`),
    events(delivery: Standing): void {
      gap('events', delivery)
      end('events', delivery)
    },
    log(delivery: Standing & { readonly lines: readonly Line[] }): void {
      gap('log', delivery)
      const shown = shownLines([...open, ...delivery.lines])
      open = delivery.end ? [] : shown.filter(({ isUnfinished }) => isUnfinished)
      for (const line of shown) if (!open.includes(line)) print(`${line.number} ${line.text}`)
      end('log', delivery)
    },
  }
}
