/** The REST fronts: each reads the dialect of an old system, executes operations of the schema, and answers in that dialect. */
import { fronts as described, wordOf } from './fronts.ts'
import type { Front } from './protocol.ts'

export const fronts: readonly Front[] = await Promise.all(
  described.map(async ({ name, routes }) => ({
    name,
    prefix: `/${wordOf(name)}`,
    ...(await routes()).protocol,
  })),
)

export { Problem } from './problem.ts'
export { executing, type FrontOperation, type Prepared } from './execute.ts'
export type { Front } from './protocol.ts'
export { page, PAGE_HEADERS } from './document/page.ts'
export { mounted, type Host } from './router.ts'
