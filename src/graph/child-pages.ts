import type { Context } from '../context.ts'
import { batchedAlike } from '../kit/batched.ts'
import {
  maxPage,
  pageBySerial,
  type ListPage,
  type PageArgs,
  type SerialQuery,
} from './connection.ts'

/**
 * The lists within the rows of a list: a page of each parent's children in the order they were made. All parents
 * that are asked alike are answered with one statement, and counted with one.
 */
export function childPages<Row extends { serial: bigint }>(
  find: (
    ctx: Context,
    parents: readonly string[],
    query: SerialQuery,
  ) => Promise<ReadonlyMap<string, readonly Row[]>>,
  count: (ctx: Context, parents: readonly string[]) => Promise<ReadonlyMap<string, number>>,
): (ctx: Context, parent: string, args: PageArgs) => Promise<ListPage<Row>> {
  const rowsOf = batchedAlike(find)
  const countOf = batchedAlike(count)
  return (ctx, parent, args) =>
    pageBySerial(
      args,
      async (query) => (await rowsOf(ctx, parent, query)) ?? [],
      async () => (await countOf(ctx, parent)) ?? 0,
      maxPage(ctx),
    )
}
