/** The REST fronts: each reads the dialect of an old system, executes operations of the schema, and answers in that dialect. */
import { abeja } from './abeja/index.ts'
import type { Front } from './front.ts'
import { topchef } from './topchef/index.ts'

export const fronts: readonly Front[] = [abeja, topchef]

export { Problem } from './problem.ts'
export { executing, type Prepared } from './execute.ts'
export type { Front } from './front.ts'
export { page, PAGE_HEADERS } from './document/page.ts'
export { mounted, type Host } from './router.ts'
