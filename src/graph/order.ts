import type { ArgBuilder } from '@pothos/core'
import { builder } from '../builder.ts'
import { pageArgs } from './connection.ts'

export const DirectionType = builder.enumType('Direction', {
  description: 'Up or down.',
  values: {
    ASC: { description: 'The lowest, or oldest, first.' },
    DESC: { description: 'The highest, or newest, first.' },
  } as const,
})

/** In which order a list of objects is. */
export interface ObjectOrder {
  readonly field: 'NAME' | 'CREATED_AT'
  readonly direction: 'ASC' | 'DESC'
}

const ObjectOrderFieldType = builder.enumType('ObjectOrderField', {
  description: 'What objects of every kind can be ordered by.',
  values: {
    NAME: { description: 'Its name, whether in upper or lower case.' },
    CREATED_AT: { description: 'When it was made.' },
  } as const,
})

const ObjectOrderInput = builder.inputType('ObjectOrder', {
  description: 'Order of a list of objects.',
  fields: (t) => ({
    field: t.field({ type: ObjectOrderFieldType, required: true, description: 'By what.' }),
    direction: t.field({
      type: DirectionType,
      required: true,
      defaultValue: 'ASC',
      description: 'Which way.',
    }),
  }),
})

/** The arguments of a list of the objects of a kind: of which organization, in which order, and what page. */
export const listArgs = (t: ArgBuilder<typeof builder.$inferSchemaTypes>) => ({
  organizationId: t.id({
    description: "Only this organization's; all of the caller's when absent.",
  }),
  orderBy: t({
    type: ObjectOrderInput,
    description: 'In which order; the oldest first if absent.',
  }),
  ...pageArgs(t),
})
