import { GraphQLError, Kind, type ValueNode } from 'graphql'
import { builder } from '../builder.ts'
import { writeTime } from '../kit/time.ts'

const wrong = (message: string): GraphQLError => new GraphQLError(message)

function readTime(value: unknown): Date {
  const isWritten =
    typeof value === 'string' &&
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i.test(value)
  const time = new Date(isWritten ? value : Number.NaN)
  if (Number.isNaN(time.getTime()))
    throw wrong('DateTime wants an RFC 3339 time such as "2026-01-31T12:00:00Z".')
  return time
}

builder.scalarType('DateTime', {
  description: 'RFC 3339 time in UTC with microseconds.',
  extensions: { specifiedByURL: 'https://scalars.graphql.org/andimarek/date-time.html' },
  serialize: writeTime,
  parseValue: readTime,
})

function readSafeInt(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value))
    throw wrong('SafeInt wants a whole number between -(2^53-1) and 2^53-1.')
  return value
}

builder.scalarType('SafeInt', {
  description:
    'Whole number up to 2^53-1, written as a JSON number: every stream number, count and size (Int ends at 2^31).',
  extensions: { specifiedByURL: 'https://the-guild.dev/graphql/scalars/docs/scalars/safe-int' },
  serialize: (value) => readSafeInt(Number(value)),
  parseValue: readSafeInt,
  parseLiteral: (node) => readSafeInt(node.kind === Kind.INT ? Number(node.value) : undefined),
})

function readLiteral(node: ValueNode, variables: Record<string, unknown>): unknown {
  switch (node.kind) {
    case Kind.STRING:
    case Kind.BOOLEAN:
      return node.value
    case Kind.INT:
    case Kind.FLOAT:
      return Number(node.value)
    case Kind.NULL:
      return null
    case Kind.LIST:
      return node.values.map((value) => readLiteral(value, variables))
    case Kind.OBJECT:
      return Object.fromEntries(
        node.fields.map(({ name, value }) => [name.value, readLiteral(value, variables)]),
      )
    case Kind.VARIABLE:
      return variables[node.name.value]
    case Kind.ENUM:
      throw wrong('JSON has no enum values: write a string.')
  }
}

builder.scalarType('JSON', {
  description:
    "Any JSON value (RFC 8259); only where the user's own schema rules the content. Whole numbers beyond 2^53-1 are shown as text.",
  extensions: { specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc8259' },
  serialize: (value) => value,
  parseValue: (value) => value,
  parseLiteral: (node, variables) => readLiteral(node, variables ?? {}),
})
