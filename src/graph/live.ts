import { builder } from '../builder.ts'
import { writeCursor } from '../streams/cursor.ts'

interface LiveRow {
  readonly id: string
  readonly revision: bigint
}

/** An object with an event stream of its own. */
export const LiveInterface = builder.interfaceRef<LiveRow>('Live').implement({
  description:
    'An object with an event stream: subscribe with `after: asOf` and nothing falls between the query and the first delivery.',
  fields: (t) => ({
    asOf: t.string({
      description: 'Cursor of its event stream at this copy: pass as `after`.',
      resolve: ({ id, revision }) => writeCursor({ kind: 'event', id }, Number(revision)),
    }),
    revision: t.field({
      type: 'SafeInt',
      description: 'Number of the newest event it includes: a copy with a lower one is older.',
      resolve: ({ revision }) => revision,
    }),
  }),
})
