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
  description: 'Field by which objects of every kind can be ordered.',
  values: {
    NAME: {
      description:
        'Name, ignoring case: label of a version, e-mail address of an invitation, and name of a member, or e-mail address of one without a name.',
    },
    CREATED_AT: {
      description:
        'Time of creation: of a member, when the user joined; of a worker, when it was first seen.',
    },
  } as const,
})

const ObjectOrderInput = builder.inputType('ObjectOrder', {
  description: 'Order of a list of objects.',
  fields: (t) => ({
    field: t.field({
      type: ObjectOrderFieldType,
      required: true,
      description: 'Field by which the objects are ordered.',
    }),
    direction: t.field({
      type: DirectionType,
      required: true,
      defaultValue: 'ASC',
      description: 'Direction of the order.',
    }),
  }),
})

type Args = ArgBuilder<typeof builder.$inferSchemaTypes>

/** The arguments of a list within an object: in which order, and what page. */
export const orderedArgs = (t: Args) => ({
  orderBy: t({ type: ObjectOrderInput, description: 'Order of the list. Default: oldest first.' }),
  ...pageArgs(t),
})

/** The arguments of a list over organizations: of which one, in which order, and what page. */
export const listArgs = (t: Args) => ({
  organizationId: t.id({
    description: 'Organization: ID, handle or address. Default: all organizations of the caller.',
  }),
  ...orderedArgs(t),
})
