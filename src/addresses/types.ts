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
  description: 'An older API whose clients this server serves (a REST front).',
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
  description: 'The ID of an object in a REST front, and its path there.',
  fields: (t) => ({
    front: t.field({ type: FrontType, description: 'The front.', resolve: ({ front }) => front }),
    text: t.exposeString('text', { description: 'ID of the object as that front writes it.' }),
    path: t.exposeString('path', {
      description: 'Path on this server at which the front returns the object.',
    }),
  }),
})

/** Parents find their fields' values by the naming and the row; the interface itself resolves nothing. */
export const AddressableInterface = builder.interfaceRef<{ id: string }>('Addressable').implement({
  description:
    'An object that has IDs in REST fronts. An argument that accepts an address accepts such an ID, written as the front in lower case, a colon and the ID: `topchef:7e5c…`.',
  fields: (t) => ({
    addresses: t.field({
      type: [AddressType],
      description: 'IDs of the object in each front that has objects of this type.',
      resolve: () => [],
    }),
    address: t.string({
      nullable: true,
      description:
        'ID of the object in one front. Null where the front has no objects of this type.',
      args: {
        front: t.arg({ type: FrontType, required: true, description: 'Front whose ID to return.' }),
      },
      resolve: () => null,
    }),
    annotations: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'Values that one front keeps with the object, such as fields that the front returns as they were sent. Null when there are none.',
      args: {
        front: t.arg({
          type: FrontType,
          required: true,
          description: 'Front whose values to return.',
        }),
      },
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
      description: 'IDs of the object in each front that has objects of this type.',
      extensions: needs(['serial']),
      resolve: (row, _args, ctx) => addressesOf(ctx, naming, names, row as Row & Addressed), // what is needed is there
    }),
  )
  builder.objectField(type, 'address', (t) =>
    t.string({
      nullable: true,
      description:
        'ID of the object in one front. Null where the front has no objects of this type.',
      args: {
        front: t.arg({ type: FrontType, required: true, description: 'Front whose ID to return.' }),
      },
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
  description: 'Sets the values that one front keeps with an object.',
  fields: (t) => ({
    front: t.field({
      type: FrontType,
      required: true,
      description: 'Front that the values belong to.',
    }),
    value: t.field({
      type: 'JSON',
      description: 'Values to store. Default: null, which removes them.',
    }),
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
      'Addresses of the object: its IDs in fronts, each as the front in lower case, a colon and the ID, such as `topchef:7e5c…`. Default: IDs that the server derives.',
  }),
  annotations: t.field({
    type: [AnnotationInputType],
    description: 'Values that fronts keep with the object. Default: none.',
  }),
})

/** The field every update input ends with. */
export const annotationField = (t: InputBuilder) => ({
  annotations: t.field({
    type: [AnnotationInputType],
    description: 'Values that fronts keep with the object. Default: unchanged.',
  }),
})
