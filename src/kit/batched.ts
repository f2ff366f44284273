import DataLoader from 'dataloader'
import { perRequest } from './per-request.ts'

/** Most keys that one statement is given, each once. */
const MAX_KEYS = 1_000

/**
 * A look-up by id that costs one statement a tick, however many ask. What is found is not kept: the context of a
 * subscription lives long, and its deliveries must see what is there by then.
 */
export function batched<Request extends object, Row extends { readonly id: string }>(
  find: (request: Request, ids: string[]) => Promise<readonly Row[]>,
): (request: Request, id: string) => Promise<Row | null> {
  const loader = perRequest(
    (request: Request) =>
      new DataLoader<string, Row | null>(
        async (ids) => {
          const parts = partsOf(new Set(ids)).map((part) => find(request, part))
          const rows = (await Promise.all(parts)).flat()
          const byId = new Map(rows.map((row) => [row.id, row]))
          return ids.map((id) => byId.get(id) ?? null)
        },
        { cache: false },
      ),
  )
  return (request, id) => loader(request).load(id)
}

/** Keys by as many as one statement is given. */
function partsOf(keys: ReadonlySet<string>): string[][] {
  const all = [...keys]
  return Array.from({ length: Math.ceil(all.length / MAX_KEYS) }, (_, n) =>
    all.slice(n * MAX_KEYS, (n + 1) * MAX_KEYS),
  )
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
  const loader = perRequest(
    (request: Request) =>
      new DataLoader<Wanted<Ask>, Value | undefined>(
        async (wanted) => {
          const asks = new Map<string, { ask: Ask; ids: Set<string> }>()
          for (const { id, ask, key } of wanted) {
            const alike = asks.get(key) ?? { ask, ids: new Set() }
            asks.set(key, alike)
            alike.ids.add(id)
          }
          const answers = await Promise.all(
            [...asks].map(async ([key, { ask, ids }]) => {
              const parts = partsOf(ids).map((part) => load(request, part, ask))
              return [key, new Map((await Promise.all(parts)).flatMap((one) => [...one]))] as const
            }),
          )
          const byAsk = new Map(answers)
          return wanted.map(({ id, key }) => byAsk.get(key)?.get(id))
        },
        { cache: false },
      ),
  )
  return (request, id, ...[ask]) =>
    // a load that takes no ask is given none
    loader(request).load({ id, ask: ask as Ask, key: written(ask) })
}

const written = (ask: unknown): string =>
  JSON.stringify(ask, (_key, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  ) ?? ''

/** Rows by what they belong to, in their order: what `batchedAlike` loads of children. */
export function groupedBy<Row>(
  rows: readonly Row[],
  keyOf: (row: Row) => string,
): Map<string, Row[]> {
  const groups = new Map<string, Row[]>()
  for (const row of rows) {
    const group = groups.get(keyOf(row)) ?? []
    groups.set(keyOf(row), group)
    group.push(row)
  }
  return groups
}
