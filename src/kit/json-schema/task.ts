import type { Issue } from '../errors.ts'
import type { SchemaDraft } from './draft.ts'
import type { Kept } from './judge.ts'

/** Steps that a check may take in the event loop, and all checks together until a turn of it ends: a few milliseconds. */
export const SHORT = 50_000
/** Steps that it may take at all. */
export const LONG = 20_000_000

/** What the thread for long checks is asked. */
export type Task = { readonly isPatient?: boolean } & (
  | { readonly kind: 'issues'; readonly schema: Kept; readonly value: string }
  | { readonly kind: 'refusal'; readonly draft: SchemaDraft | undefined; readonly text: string }
)

/** What it answers; `endless` when there were too many steps, `uncountable` when only a patient thread can tell. */
export type CheckAnswer =
  | { readonly kind: 'issues'; readonly issues: readonly Issue[] }
  | { readonly kind: 'refusal'; readonly why: string | undefined }
  | { readonly kind: 'endless' }
  | { readonly kind: 'uncountable' }
  | { readonly kind: 'fault'; readonly message: string }
