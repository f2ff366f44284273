import type { ObjectRef } from '@pothos/core'
import { builder } from '../builder.ts'
import type { Context } from '../context.ts'
import { Front } from '../generated/prisma/enums.ts'
import { JsonText } from '../kit/json/json.ts'
import { needs } from '../kit/needs.ts'
import { fronts, type Naming } from './address.ts'
import { addressFor, storedAnnotations } from './store.ts'

export const FrontType = builder.enumType('Front', {
  description: 'The old systems whose clients are served.',
  values: {
    [Front.ABEJA]: { description: 'ABEJA Platform.' },
    [Front.OMEGAML]: { description: 'omega|ml.' },
    [Front.TOPCHEF]: { description: 'TopChef.' },
    [Front.AUGER]: { description: 'Auger Hub.' },
    [Front.ONECONTAINER]: { description: 'oneContainer.' },
  } as const,
})

interface Address {
  readonly front: Front
  readonly id: string
  readonly path: string
}

const AddressType = builder.objectRef<Address>('Address').implement({
  description: "How one REST front spells an object's id, and where it answers for it.",
  fields: (t) => ({
    front: t.field({ type: FrontType, description: 'The front.', resolve: ({ front }) => front }),
    id: t.exposeString('id', { description: "The object's id in that front's words." }),
    path: t.exposeString('path', {
      description: 'Path on this server where the front answers for it.',
    }),
  }),
})

/** Parents find their fields' values by the naming and the row; the interface itself resolves nothing. */
export const AddressableInterface = builder.interfaceRef<{ id: string }>('Addressable').implement({
  description: 'An object that REST fronts can name.',
  fields: (t) => ({
    addresses: t.field({
      type: [AddressType],
      description: 'What each front calls it.',
      resolve: () => [],
    }),
    address: t.string({
      nullable: true,
      description: 'What that front calls it; null where it has no word for such an object.',
      args: { front: t.arg({ type: FrontType, required: true, description: 'Which.' }) },
      resolve: () => null,
    }),
    annotations: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What only that dialect has: echo fields, finer status words.',
      args: { front: t.arg({ type: FrontType, required: true, description: 'Whose.' }) },
      resolve: async ({ id }, { front }, ctx) => {
        const stored = await storedAnnotations(ctx, id)
        const value = stored?.find((one) => one.front === front)?.value
        return value === undefined ? null : new JsonText(value)
      },
    }),
  }),
})

/** What spellings are computed from. */
interface Spelled {
  readonly id: string
  readonly serial: bigint
}

/** Where each front answers for a row; undefined where it has no word for that one. */
type Paths<Row> = Partial<
  Record<Front, (ctx: Context, row: Row, id: string) => Promise<string | undefined>>
>

/**
 * Gives a type its `addresses`: `paths` says where each front that has a word for it answers, from the columns that are
 * always read of a row and those it names.
 */
export function addressable<Always extends { id: string }, Row extends Always>(
  type: ObjectRef<typeof builder.$inferSchemaTypes, Always>,
  naming: Naming,
  paths: Paths<Row>,
  columns: readonly (keyof Row & string)[] = [],
): void {
  builder.objectField(type, 'addresses', (t) =>
    t.field({
      type: [AddressType],
      description: 'What each front calls it.',
      extensions: needs(['serial', ...columns]),
      resolve: (row, _args, ctx) => addressesOf(ctx, naming, paths, row as Row & Spelled), // what is needed is there
    }),
  )
  builder.objectField(type, 'address', (t) =>
    t.string({
      nullable: true,
      description: 'What that front calls it; null where it has no word for such an object.',
      args: { front: t.arg({ type: FrontType, required: true, description: 'Which.' }) },
      extensions: needs(['serial']),
      resolve: async (row, { front }, ctx) =>
        front in paths
          ? ((await addressFor(ctx, naming, front, row as Always & Spelled)) ?? null)
          : null,
    }),
  )
}

async function addressesOf<Row extends Spelled>(
  ctx: Context,
  naming: Naming,
  paths: Paths<Row>,
  row: Row,
): Promise<Address[]> {
  const all = await Promise.all(
    fronts.map(async (front) => {
      const path = paths[front]
      const id = path && (await addressFor(ctx, naming, front, row))
      const where = id && path && (await path(ctx, row, id))
      return id && where ? [{ front, id, path: where }] : []
    }),
  )
  return all.flat()
}

const AnnotationInputType = builder.inputType('AnnotationInput', {
  description: 'Sets what one front keeps with an object; null removes it.',
  fields: (t) => ({
    front: t.field({ type: FrontType, required: true, description: 'Whose.' }),
    value: t.field({ type: 'JSON', description: 'What to keep; null removes it.' }),
  }),
})

type InputBuilder = PothosSchemaTypes.InputFieldBuilder<
  typeof builder.$inferSchemaTypes,
  'InputObject'
>

/** The fields every create input ends with. */
export const namingFields = (t: InputBuilder) => ({
  addresses: t.stringList({
    description:
      'What fronts are to call it, such as "abeja:1410805969256"; computed where not given.',
  }),
  annotations: t.field({ type: [AnnotationInputType], description: 'What only one dialect has.' }),
})

/** The field every update input ends with. */
export const annotationField = (t: InputBuilder) => ({
  annotations: t.field({ type: [AnnotationInputType], description: 'What only one dialect has.' }),
})
