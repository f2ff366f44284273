import SchemaBuilder from '@pothos/core'
import ErrorsPlugin from '@pothos/plugin-errors'
import PrismaPlugin from '@pothos/plugin-prisma'
import type { Context } from './context.ts'
import type PrismaTypes from './generated/pothos.ts'
import { getDatamodel } from './generated/pothos.ts'
import type { JsonText } from './kit/json/json.ts'
import { storable } from './kit/storable.ts'

/** What every type of the schema is built with. */
export const builder = new SchemaBuilder<{
  Context: Context
  PrismaTypes: PrismaTypes
  DefaultFieldNullability: false
  Scalars: {
    ID: { Input: string; Output: string }
    DateTime: { Input: Date; Output: Date }
    SafeInt: { Input: number; Output: number | bigint }
    JSON: { Input: JsonText; Output: unknown }
  }
}>({
  plugins: [ErrorsPlugin, storable, PrismaPlugin],
  defaultFieldNullability: false,
  errors: { defaultTypes: [] },
  prisma: {
    client: ({ database }) => database.prisma,
    dmmf: getDatamodel(),
    // what a page may hold is checked where the page is read, with an error and not with a cut
    maxConnectionSize: 1000,
    onUnusedQuery: null,
  },
})

builder.queryType({
  description:
    'Queries. The cost of an operation is the number of objects that it can return: each object counts 1, and the size of a page multiplies what is selected in it. `extensions.cost` of every result has the cost and its limit; an operation above the limit is refused with TOO_COMPLEX.',
})
builder.mutationType({
  description:
    'Mutations. Expected failures are members of the result type, never top-level errors; `... on UserError` matches all of them.',
})
builder.subscriptionType({
  description:
    'Subscriptions. Every field but `jobQueued` takes a cursor as `after`, delivers everything that follows it, and then new entries as they occur. ' +
    'Without `after`, logs start with their last lines and all others with the present state.',
})
