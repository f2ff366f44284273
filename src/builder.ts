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
    'What can be asked. Each object counts 1, pages multiply what is in them; `extensions.cost` of every result says what an operation came to and what it may, and one beyond that is TOO_COMPLEX.',
})
builder.mutationType({
  description:
    'What can be done. Expected failures are members of the result, never top-level errors.',
})
builder.subscriptionType({
  description:
    'What can be watched. Every field but jobQueued takes `after` and delivers all that follows it, then goes on live. ' +
    'Without it logs begin with their last lines, the rest with the present state.',
})
