import { builder } from '../builder.ts'
import { FieldsOver } from './columns.ts'
import { writeCursor } from '../streams/cursor.ts'

interface LiveRow {
  readonly id: string
  readonly revision: bigint
}

const live = new FieldsOver<LiveRow, 'id'>()

/** An object with an event stream of its own. */
export const LiveInterface = builder.interfaceRef<Pick<LiveRow, 'id'>>('Live').implement({
  description:
    'An object with an event stream: subscribe with `after: asOf` and nothing falls between the query and the first delivery.',
  fields: (t) => ({
    asOf: t.string({
      description: 'Cursor of its event stream at this copy: pass as `after`.',
      ...live.from(['revision'], ({ id, revision }) =>
        writeCursor({ kind: 'event', id }, Number(revision)),
      ),
    }),
    revision: t.field({
      type: 'SafeInt',
      description: 'Number of the newest event it includes: a copy with a lower one is older.',
      ...live.column('revision'),
    }),
  }),
})
