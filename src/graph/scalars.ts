import { GraphQLError, Kind, type ValueNode } from 'graphql'
import { builder } from '../builder.ts'
import { JsonText, stringify } from '../kit/json/json.ts'
import { readTime, writeTime } from '../kit/time.ts'

/** `node`: the literal, where it is one, so that the error has its place. */
const wrong = (message: string, node?: ValueNode): GraphQLError =>
  new GraphQLError(message, { nodes: node })

function timeOf(value: unknown, node?: ValueNode): Date {
  const time = typeof value === 'string' ? readTime(value) : undefined
  if (time === undefined)
    throw wrong(
      'DateTime wants an RFC 3339 time such as "2026-01-31T12:00:00Z": a day that exists, a time of day, and "Z" or an offset such as "+09:00".',
      node,
    )
  return time
}

builder.scalarType('DateTime', {
  description:
    'Time in UTC with microseconds, in the form of RFC 3339: `2026-11-30T16:13:28.123456Z`. Inputs may have any offset from UTC.',
  extensions: { specifiedByURL: 'https://scalars.graphql.org/andimarek/date-time.html' },
  serialize: writeTime,
  parseValue: (value) => timeOf(value),
  parseLiteral: (node) => timeOf(node.kind === Kind.STRING ? node.value : undefined, node),
})

function readSafeInt(value: unknown, node?: ValueNode): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value))
    throw wrong('SafeInt wants a whole number between -(2^53-1) and 2^53-1.', node)
  return value
}

builder.scalarType('SafeInt', {
  description:
    'Integer from -(2^53-1) to 2^53-1, written as a JSON number. Used for stream numbers, counts and sizes, which can exceed the range of Int (2^31-1).',
  extensions: { specifiedByURL: 'https://the-guild.dev/graphql/scalars/docs/scalars/safe-int' },
  serialize: (value) => readSafeInt(Number(value)),
  parseValue: (value) => readSafeInt(value),
  parseLiteral: (node) =>
    readSafeInt(node.kind === Kind.INT ? Number(node.value) : undefined, node),
})

/** The JSON that a literal stands for, its numbers as they are written. */
function writtenLiteral(node: ValueNode, variables: Record<string, unknown>): string {
  switch (node.kind) {
    case Kind.STRING:
    case Kind.BOOLEAN:
      return JSON.stringify(node.value)
    case Kind.INT:
    case Kind.FLOAT:
      return node.value // GraphQL writes numbers as JSON does
    case Kind.NULL:
      return 'null'
    case Kind.LIST:
      return `[${node.values.map((value) => writtenLiteral(value, variables)).join(',')}]`
    case Kind.OBJECT: {
      const members = node.fields
        .filter(({ value }) => !isAbsent(value, variables))
        .map(({ name, value }) => `"${name.value}":${writtenLiteral(value, variables)}`)
      return `{${members.join(',')}}`
    }
    case Kind.VARIABLE:
      return stringify(variables[node.name.value])
    case Kind.ENUM:
      throw wrong('JSON has no enum values: write a string.', node)
  }
}

const isAbsent = (node: ValueNode, variables: Record<string, unknown>): boolean =>
  node.kind === Kind.VARIABLE && variables[node.name.value] === undefined

// Resolvers get a JsonText, always: literals become one here, variables before they are coerced (`execution/json-texts.ts`). They
// may answer one, or any value of our own; whoever writes the answer writes it (`kit/json/json.ts`).
builder.scalarType('JSON', {
  description:
    'Any JSON value (RFC 8259), used where a schema of the user defines the content. The server stores it exactly as it was sent, including digits, key order and white space. Results write integers beyond 2^53-1, and numbers too large for a double, as strings, and other numbers as the nearest double.',
  extensions: { specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc8259' },
  serialize: (value) => value,
  parseValue: (value) => value as JsonText,
  parseLiteral: (node, variables) => new JsonText(writtenLiteral(node, variables ?? {})),
})
