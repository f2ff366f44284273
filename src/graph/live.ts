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
    'An object with an event stream. A subscription with `after: asOf` delivers every event since this copy was read.',
  fields: (t) => ({
    asOf: t.string({
      description:
        "Cursor of the object's event stream at the time this copy was read. Pass it as `after` to the subscription of the object.",
      ...live.from(['revision'], ({ id, revision }) =>
        writeCursor({ kind: 'event', id }, Number(revision)),
      ),
    }),
    revision: t.field({
      type: 'SafeInt',
      description:
        'Number of the newest event that this copy includes. Of two copies, the one with the lower revision is the older one.',
      ...live.column('revision'),
    }),
  }),
})
