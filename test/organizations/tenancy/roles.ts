import {
  getNamedType,
  isAbstractType,
  isLeafType,
  isObjectType,
  isUnionType,
  type GraphQLInterfaceType,
  type GraphQLNamedType,
  type GraphQLObjectType,
} from 'graphql'
import { schema } from '../../../src/schema.ts'
import type { Client } from '../../../testkit/client.ts'
import { argumentsOf, type Field, fieldsOf } from '../../../testkit/selection.ts'
import { argumentsOfMutation, type Own } from './positions.ts'
import { send } from './send.ts'

const words = (text: string): readonly string[] => text.split(' ')

/**
 * What a WORKER reads, type by type; whatever is not here is closed to it, wherever it comes upon the type. So a new
 * field is closed until it stands here too.
 */
const readByWorkers: Readonly<Record<string, readonly string[]>> = {
  Job: words(
    'id asOf revision address addresses annotations service function parameters result error ' +
      'status viewerActions priority runAfter progress attempt maxAttempts lane timeoutSeconds ' +
      'expiresAt cancelRequestedAt deadline labels createdAt startedAt finishedAt',
  ),
  QueueService: words(
    'id name handle address addresses functions status isAvailable lastCheckInAt timeoutSeconds ' +
      'hasTimedOut',
  ),
  ServiceFunction: words('name description parametersSchema resultSchema draft'),
  Address: words('front text path'),
  NameValue: words('name value'),
  JobError: words('kind message detail'),
  Progress: words('fraction message at'),
  JobLease: words('job attempt fence expiresAt'),
  Heartbeat: words('jobId isHeld expiresAt cancelRequested'),
  JobCompletion: words('job'),
  Issue: words('path message rule'),
  // of the caller and where it is
  Viewer: words('organization role user memberships token'),
  Organization: words('id name handle address addresses viewerRole'),
  User: words('id email name address createdAt memberships'),
  Membership: words('user role createdAt organization'),
  Token: words('id name role createdAt expiresAt lastUsedAt revokedAt'),
}

/** Mutations that a WORKER may make. */
export const madeByWorkers = [
  'amendJob',
  'appendJobLog',
  'checkInService',
  'claimJobs',
  'completeJob',
  'completeJobs',
  'failJob',
  'heartbeatJobs',
  'releaseJobs',
]

/** A place in answers: the selections that lead to objects of a type. */
interface Place {
  readonly type: GraphQLObjectType
  /** Puts a selection of the type where the place is. */
  readonly at: (selection: string) => string
}

/** What mutations answer, as such: a success or an error, all of which is read by whoever made them. */
const isAnswer = (type: string): boolean =>
  type.endsWith('Success') ||
  schema.getImplementations(errors).objects.some(({ name }) => name === type)

const errors = schema.getType('UserError') as GraphQLInterfaceType // of the schema's own

/** Whether a WORKER reads a field. */
const isRead = (type: GraphQLNamedType, { name }: Field): boolean =>
  isListed(`${type.name}.${name}`)

/** The object types that a field may lead to. */
function typesOf(field: Field): readonly GraphQLObjectType[] {
  const type = getNamedType(field.type)
  if (isAbstractType(type)) return schema.getPossibleTypes(type)
  return isObjectType(type) ? [type] : []
}

/** A field of a type with all that it takes, and nothing of what it leads to. */
const selected = (type: GraphQLObjectType, field: Field): string =>
  `${type.name}_${field.name}: ${field.name}${argumentsOf(field)}${isLeafType(getNamedType(field.type)) ? '' : ' { __typename }'}`

/** All that a WORKER can be led to from a place by what it reads, each type once. */
export function placesFrom(start: Place): Place[] {
  const known = new Map([[start.type.name, start]])
  for (const { type, at } of known.values())
    for (const field of fieldsOf(type).filter((one) => isRead(type, one)))
      for (const next of typesOf(field))
        if (!known.has(next.name))
          known.set(next.name, {
            type: next,
            at: (selection) =>
              at(`${field.name}${argumentsOf(field)} { ... on ${next.name} { ${selection} } }`),
          })
  return [...known.values()]
}

/** Every field of a place asked for on its own: how each is answered. */
export const askEach = (client: Client, { type, at }: Place) =>
  Promise.all(
    fieldsOf(type).map(async (field) => {
      const { data, errors } = await send(client, `{ asked: ${at(selected(type, field))} }`)
      const codes = errors?.map(({ extensions }) => extensions?.['code'])
      const isThere = JSON.stringify(data).includes(`"${type.name}_${field.name}":`)
      return {
        field: `${type.name}.${field.name}`,
        said: codes === undefined ? (isThere ? 'read' : 'absent') : codes.join(),
      }
    }),
  )

/** As many as one operation may make. */
const MAX_CALLS = 100

/** The same of the answer to a mutation, with an input that changes nothing: the fields that are not refused. */
export async function askEachOf(client: Client, mutation: Field, own: Own): Promise<string[]> {
  const success = successOf(mutation)
  const start = {
    type: success,
    at: (selection: string) => `... on ${success.name} { ${selection} }`,
  }
  const calls = placesFrom(start).flatMap(({ type, at }) =>
    fieldsOf(type).map((field) => ({
      field: `${type.name}.${field.name}`,
      selection: at(selected(type, field)),
    })),
  )
  const Name = mutation.name.charAt(0).toUpperCase() + mutation.name.slice(1)
  const read: string[] = []
  for (let from = 0; from < calls.length; from += MAX_CALLS) {
    const some = calls.slice(from, from + MAX_CALLS)
    const asked = some.map(
      ({ selection }, n) =>
        `a${n}: ${mutation.name}(input: $input) { __typename ... on Forbidden { needed } ${selection} }`,
    )
    const { data, errors } = await send(
      client,
      `mutation ($input: ${Name}Input!) { ${asked.join(' ')} }`,
      argumentsOfMutation(mutation, own),
    )
    if (data == null) throw new Error(`${mutation.name}: ${JSON.stringify(errors)}`)
    for (const [n, { field }] of some.entries())
      if ((data[`a${n}`] as { needed?: string }).needed !== 'VIEWER') read.push(field)
  }
  return read
}

/** Where a WORKER reads all of this of an object that it came to. */
export const listed = (...types: readonly string[]): string[] =>
  types.flatMap((type) => readByWorkers[type]?.map((field) => `${type}.${field}`) ?? [])

/** Whether it stands in the list. */
export function isListed(field: string): boolean {
  const [type = '', name = ''] = field.split('.')
  return isAnswer(type) || readByWorkers[type]?.includes(name) === true
}

/** What a mutation leads to that does what it was asked to. */
function successOf(mutation: Field): GraphQLObjectType {
  const type = getNamedType(mutation.type)
  const success = isUnionType(type)
    ? type.getTypes().find(({ name }) => name.endsWith('Success'))
    : undefined
  if (success === undefined) throw new Error(`${mutation.name} has no success.`)
  return success
}
