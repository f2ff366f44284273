import DataLoader from 'dataloader'
import { perRequest } from './per-request.ts'

/** Most keys that one statement is given. */
const MAX_KEYS = 1_000

/**
 * A look-up by id that costs one statement a tick, however many ask. What is found is not kept: the context of a
 * subscription lives long, and its deliveries must see what is there by then.
 */
export function batched<Request extends object, Row extends { readonly id: string }>(
  find: (request: Request, ids: string[]) => Promise<readonly Row[]>,
): (request: Request, id: string) => Promise<Row | null> {
  const loader = perRequest((request: Request) => {
    const own: DataLoader<string, Row | null> = new DataLoader(
      async (ids) => {
        own.clearAll() // whoever asks from now on is told what is there by then
        const rows = await find(request, [...ids])
        const byId = new Map(rows.map((row) => [row.id, row]))
        return ids.map((id) => byId.get(id) ?? null)
      },
      { maxBatchSize: MAX_KEYS },
    )
    return own
  })
  return (request, id) => loader(request).load(id)
}

interface Wanted<Ask> {
  readonly id: string
  readonly ask: Ask
  /** `ask` as text. */
  readonly key: string
}

/**
 * The same for what is no row but belongs to one, such as a page of its children: `load` runs once a tick for all
 * that ask alike, and leaves out what has none.
 */
export function batchedAlike<Request extends object, Ask, Value>(
  load: (request: Request, ids: readonly string[], ask: Ask) => Promise<ReadonlyMap<string, Value>>,
): (
  request: Request,
  id: string,
  ...ask: unknown extends Ask ? [] : [ask: Ask]
) => Promise<Value | undefined> {
  const loader = perRequest((request: Request) => {
    const own: DataLoader<Wanted<Ask>, Value | undefined, string> = new DataLoader(
      async (wanted) => {
        own.clearAll() // as above
        const asks = new Map<string, { ask: Ask; ids: string[] }>()
        for (const { id, ask, key } of wanted) {
          const alike = asks.get(key) ?? { ask, ids: [] }
          asks.set(key, alike)
          alike.ids.push(id)
        }
        const answers = await Promise.all(
          [...asks].map(
            async ([key, { ask, ids }]) => [key, await load(request, ids, ask)] as const,
          ),
        )
        const byAsk = new Map(answers)
        return wanted.map(({ id, key }) => byAsk.get(key)?.get(id))
      },
      { maxBatchSize: MAX_KEYS, cacheKeyFn: ({ id, key }) => `${id} ${key}` },
    )
    return own
  })
  return (request, id, ...[ask]) =>
    // a load that takes no ask is given none
    loader(request).load({ id, ask: ask as Ask, key: written(ask) })
}

const written = (ask: unknown): string =>
  JSON.stringify(ask, (_key, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  ) ?? ''
