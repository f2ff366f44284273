import type { ArgBuilder } from '@pothos/core'
import { builder } from '../builder.ts'
import { pageArgs } from './connection.ts'

export const DirectionType = builder.enumType('Direction', {
  description: 'Direction of an order.',
  values: {
    ASC: { description: 'Lowest or oldest first.' },
    DESC: { description: 'Highest or newest first.' },
  } as const,
})

/** In which order a list of objects is. */
export interface ObjectOrder {
  readonly field: 'NAME' | 'CREATED_AT'
  readonly direction: 'ASC' | 'DESC'
}

const ObjectOrderFieldType = builder.enumType('ObjectOrderField', {
  description: 'Fields by which objects of every type can be ordered.',
  values: {
    NAME: { description: 'Name, compared without regard to upper and lower case.' },
    CREATED_AT: { description: 'Time of creation.' },
  } as const,
})

const ObjectOrderInput = builder.inputType('ObjectOrder', {
  description: 'Order of a list of objects.',
  fields: (t) => ({
    field: t.field({
      type: ObjectOrderFieldType,
      required: true,
      description: 'Field to order by.',
    }),
    direction: t.field({
      type: DirectionType,
      required: true,
      defaultValue: 'ASC',
      description: 'Direction of the order.',
    }),
  }),
})

/** The arguments of a list of the objects of a kind: of which organization, in which order, and what page. */
export const listArgs = (t: ArgBuilder<typeof builder.$inferSchemaTypes>) => ({
  organizationId: t.id({
    description: 'Organization: ID, handle or address. Default: all organizations of the caller.',
  }),
  orderBy: t({
    type: ObjectOrderInput,
    description: 'Order of the list. Default: the oldest first.',
  }),
  ...pageArgs(t),
})
