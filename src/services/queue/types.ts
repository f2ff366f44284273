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
  description: 'A draft of JSON Schema.',
  values: {
    DRAFT_04: {
      description:
        'http://json-schema.org/draft-04/schema#. Ignores keywords of later drafts, and does not check `format`.',
    },
    DRAFT_2020_12: {
      description: 'https://json-schema.org/draft/2020-12/schema. Checks `format`.',
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
  description: 'A function that jobs call, with the schemas of its parameters and results.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Name of the function, unique in the service.' }),
    description: t.exposeString('description', { description: 'Description for people.' }),
    parametersSchema: t.field({
      type: 'JSON',
      nullable: true,
      description: 'JSON Schema for the parameters of every job. Null: any value.',
      resolve: ({ parametersSchemaId }, _args, ctx) => shown(ctx, parametersSchemaId),
    }),
    resultSchema: t.field({
      type: 'JSON',
      nullable: true,
      description: 'JSON Schema for the results. Null: any value.',
      resolve: ({ resultSchemaId }, _args, ctx) => shown(ctx, resultSchemaId),
    }),
    draft: t.field({
      type: SchemaDraftType,
      description:
        'JSON Schema draft that was given for both schemas; otherwise the draft that `parametersSchema` names, or `resultSchema`, and 2020-12 when neither names one.',
      resolve: ({ draft }) => draft,
    }),
  }),
})

export const QueueServiceType = builder.prismaObject('Service', {
  variant: 'QueueService',
  select: seenAs(alwaysRead),
  description:
    'A queue of jobs that workers execute. A caller with the WORKER role reads its name, handle, description, functions and the state of its workers.',
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
    id: t.id({ description: 'ID of the service.', resolve: ({ id }) => ServiceId.text(id) }),
    functions: t.field({
      type: [FunctionType],
      description: 'Functions that jobs can call.',
      ...serviceFields.from(['functions'], (service) => [...functionsOf(service)]),
    }),
    concurrency: t.exposeInt('concurrency', {
      nullable: true,
      description: 'Number of jobs that may run at the same time. Null: no limit.',
    }),
    timeoutSeconds: t.exposeInt('timeoutSeconds', {
      nullable: true,
      description: `Seconds without a check-in after which the queue counts as timed out. Null: ${TIMEOUT_SECONDS}.`,
    }),
    lastCheckInAt: t.expose('lastCheckInAt', {
      type: 'DateTime',
      nullable: true,
      description:
        'Time of the last check-in of a worker. The creation of the queue counts as one. Null for a queue that is part of the server.',
    }),
    isAvailable: t.exposeBoolean('isAvailable', {
      description:
        'Whether the workers accept jobs, as they last reported. It does not change with time.',
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
