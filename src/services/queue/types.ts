import { addressable, AddressableInterface } from '../../addresses/index.ts'
import { builder } from '../../builder.ts'
import type { Context } from '../../context.ts'
import { seenAs } from '../../graph/columns.ts'
import { LiveInterface } from '../../graph/live.ts'
import { NodeInterface } from '../../graph/node.ts'
import { openToWorkers } from '../../graph/workers.ts'
import { batched } from '../../kit/batched.ts'
import { JsonText } from '../../kit/json/json.ts'
import { alwaysRead, serviceFields } from '../columns.ts'
import { functionsOf, schemaTexts, TIMEOUT_SECONDS, type StoredFunction } from '../functions.ts'
import { ServiceId, services } from '../service.ts'
import { ServiceInterface } from '../types.ts'

export const SchemaDraftType = builder.enumType('SchemaDraft', {
  description: 'JSON Schema drafts.',
  values: {
    DRAFT_04: {
      description:
        'http://json-schema.org/draft-04/schema#: keywords of later drafts mean nothing, and no `format` is asserted.',
    },
    DRAFT_2020_12: {
      description: 'https://json-schema.org/draft/2020-12/schema; formats are asserted.',
    },
  } as const,
})

const schemaById = batched(({ database }: Context, ids) => schemaTexts(database, ids))

/** A schema as it was given; null where there is none. */
async function shown(ctx: Context, id: string | null): Promise<JsonText | null> {
  const schema = id === null ? null : await schemaById(ctx, id)
  if (schema === null) return null
  ctx.operation.take(schema.text.length) // it may have been at hand
  return new JsonText(schema.text)
}

const FunctionType = builder.objectRef<StoredFunction>('ServiceFunction').implement({
  description: 'A callable function and its contract.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Unique in the service.' }),
    description: t.exposeString('description', { description: 'For people.' }),
    parametersSchema: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What the parameters of a job must fit; null for anything.',
      resolve: ({ parametersSchemaId }, _args, ctx) => shown(ctx, parametersSchemaId),
    }),
    resultSchema: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What a result must fit; null for anything.',
      resolve: ({ resultSchemaId }, _args, ctx) => shown(ctx, resultSchemaId),
    }),
    draft: t.field({
      type: SchemaDraftType,
      description: 'The draft its schemas are read by.',
      resolve: ({ draft }) => draft,
    }),
  }),
})

export const QueueServiceType = builder.prismaObject('Service', {
  variant: 'QueueService',
  select: seenAs(alwaysRead),
  description:
    'A queue with schemas, served by workers that come to it. A WORKER reads what it is called, its functions, and what its workers say of themselves.',
  extensions: openToWorkers([
    'id',
    'name',
    'handle',
    'address',
    'addresses',
    'functions',
    'status',
    'isAvailable',
    'lastCheckInAt',
    'timeoutSeconds',
    'hasTimedOut',
  ]),
  interfaces: [ServiceInterface, NodeInterface, AddressableInterface, LiveInterface],
  fields: (t) => ({
    // of the interfaces that have an id, Node's would be inherited, which knows no noun
    id: t.id({ description: 'Canonical id.', resolve: ({ id }) => ServiceId.text(id) }),
    functions: t.field({
      type: [FunctionType],
      description: 'What can be called.',
      ...serviceFields.from(['functions'], (service) => [...functionsOf(service)]),
    }),
    concurrency: t.exposeInt('concurrency', {
      nullable: true,
      description: 'How many of its jobs may run at once; null for any number.',
    }),
    timeoutSeconds: t.exposeInt('timeoutSeconds', {
      nullable: true,
      description: 'When nobody checks in for so long it has timed out.',
    }),
    lastCheckInAt: t.expose('lastCheckInAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When its workers last checked in; being made counts as that.',
    }),
    isAvailable: t.exposeBoolean('isAvailable', {
      description: 'What its workers last said of themselves; time does not change it.',
    }),
    hasTimedOut: t.boolean({
      description: 'Whether the last check-in is longer ago than `timeoutSeconds`.',
      ...serviceFields.from(
        ['lastCheckInAt', 'timeoutSeconds'],
        ({ lastCheckInAt, timeoutSeconds }, _args, { now }) =>
          lastCheckInAt !== null &&
          now().getTime() - lastCheckInAt.getTime() > (timeoutSeconds ?? TIMEOUT_SECONDS) * 1000,
      ),
    }),
  }),
})

addressable(QueueServiceType, services, { kind: 'QUEUE' })
