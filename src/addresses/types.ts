import type { ObjectRef } from '@pothos/core'
import { builder } from '../builder.ts'
import type { Context } from '../context.ts'
import { JsonText } from '../kit/json/json.ts'
import { needs } from '../kit/needs.ts'
import { fronts, type FrontName } from '../rest/fronts.ts'
import { wordFor, type Naming } from './address.ts'
import { isShown, pathOf, type Fixed } from './paths.ts'
import { addressFor, storedAnnotations, type Addressed } from './store.ts'

export const FrontType = builder.enumType('Front', {
  description: 'The old systems whose clients are served.',
  values: Object.fromEntries(
    fronts.map(({ name, system }) => [name, { description: `${system}.` }]),
  ) as Record<FrontName, { description: string }>,
})

interface Address {
  readonly front: FrontName
  readonly text: string
  readonly path: string
}

const AddressType = builder.objectRef<Address>('Address').implement({
  description: "How one REST front spells an object's id, and where it answers for it.",
  fields: (t) => ({
    front: t.field({ type: FrontType, description: 'The front.', resolve: ({ front }) => front }),
    text: t.exposeString('text', { description: 'ID of the object as that front writes it.' }),
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

/** Gives a type its `addresses`. `fixed` are columns that all its objects have the same values of. */
export function addressable<Row extends { id: string }>(
  type: ObjectRef<typeof builder.$inferSchemaTypes, Row>,
  naming: Naming,
  fixed: Fixed = {},
): void {
  const names = fronts.flatMap(({ name }) => {
    const word = wordFor(name, naming)
    return word !== undefined && isShown(word, fixed) ? [name] : []
  })
  builder.objectField(type, 'addresses', (t) =>
    t.field({
      type: [AddressType],
      description: 'What each front calls it.',
      extensions: needs(['serial']),
      resolve: (row, _args, ctx) => addressesOf(ctx, naming, names, row as Row & Addressed), // what is needed is there
    }),
  )
  builder.objectField(type, 'address', (t) =>
    t.string({
      nullable: true,
      description: 'What that front calls it; null where it has no word for such an object.',
      args: { front: t.arg({ type: FrontType, required: true, description: 'Which.' }) },
      extensions: needs(['serial']),
      resolve: async (row, { front }, ctx) =>
        names.includes(front)
          ? ((await addressFor(ctx, naming, front, row as Row & Addressed)) ?? null)
          : null,
    }),
  )
}

async function addressesOf(
  ctx: Context,
  naming: Naming,
  names: readonly FrontName[],
  row: Addressed,
): Promise<Address[]> {
  const all = await Promise.all(
    names.map(async (front) => {
      const text = await addressFor(ctx, naming, front, row)
      const path = text && (await pathOf(ctx, naming, front, row, text))
      return text && path ? [{ front, text, path }] : []
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
      'What fronts are to call it, each as the front in small letters, ":" and a text; computed where not given.',
  }),
  annotations: t.field({ type: [AnnotationInputType], description: 'What only one dialect has.' }),
})

/** The field every update input ends with. */
export const annotationField = (t: InputBuilder) => ({
  annotations: t.field({ type: [AnnotationInputType], description: 'What only one dialect has.' }),
})
