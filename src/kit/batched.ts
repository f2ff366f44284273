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
  const loader = perRequest(
    (request: Request) =>
      new DataLoader<string, Row | null>(
        async (ids) => {
          const rows = await find(request, [...new Set(ids)])
          const byId = new Map(rows.map((row) => [row.id, row]))
          return ids.map((id) => byId.get(id) ?? null)
        },
        { cache: false, maxBatchSize: MAX_KEYS },
      ),
  )
  return (request, id) => loader(request).load(id)
}
