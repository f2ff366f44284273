import { organizationsOf } from '../auth/viewer.ts'
import { builder } from '../builder.ts'
import { IssueType } from '../graph/errors.ts'
import type { Context } from '../context.ts'
import { BadRequest, Forbidden, type Issue } from '../kit/errors.ts'
import { jsonRule } from '../kit/json/rule.ts'
import {
  knownSchema,
  draftOf,
  refusal,
  type Kept,
  type SchemaDraft,
} from '../kit/json-schema/index.ts'
import { jsonText, type JsonText } from '../kit/json/json.ts'
import { checked, checkerOf, schemaId } from './functions.ts'
import { SchemaDraftType } from './queue/types.ts'

const JsonValidationType = builder
  .objectRef<{ readonly issues: readonly Issue[] }>('JsonValidation')
  .implement({
    description: 'Whether a value fits a JSON Schema.',
    fields: (t) => ({
      isValid: t.boolean({
        description: 'Whether it fits.',
        resolve: ({ issues }) => issues.length === 0,
      }),
      issues: t.field({
        type: [IssueType],
        description:
          'Its violations, with their paths in the value: the first 100. One of the rule `steps` says that nobody can tell, because to check the value by this schema takes too many steps.',
        resolve: ({ issues }) => [...issues],
      }),
    }),
  })

builder.queryField('validateJson', (t) =>
  t.field({
    type: JsonValidationType,
    description:
      'Checks a value against a JSON Schema, as parameters and results of jobs are checked; nothing is fetched. Needs VIEWER in some organization, else FORBIDDEN. What is no schema that could be kept is a BAD_REQUEST; UNAVAILABLE when too many checks that take long are waiting.',
    args: {
      schema: t.arg({ type: 'JSON', required: true, description: 'What it must fit.' }),
      value: t.arg({ type: 'JSON', description: 'What is checked; null when absent.' }),
      draft: t.arg({
        type: SchemaDraftType,
        description:
          'The draft to read the schema by, whatever it names by `$schema`. When absent, the draft that it names; 2020-12 when it names none.',
      }),
    },
    resolve: async (_root, { schema, value, draft }, ctx) => {
      if (organizationsOf(ctx.viewer).length === 0) throw new Forbidden('VIEWER')
      const { error } = jsonRule.safeParse(value)
      if (error !== undefined) throw new BadRequest(`value: ${error.issues[0]?.message}`)
      const read = await schemaFor(ctx, schema, draft)
      return { issues: await checked(ctx, read, jsonText(value)) }
    },
  }),
)

/** Throws BadRequest for what is no schema that may be kept. */
async function schemaFor(
  ctx: Context,
  schema: JsonText,
  asked: SchemaDraft | null | undefined,
): Promise<Kept> {
  const { error } = jsonRule.safeParse(schema)
  if (error !== undefined) throw new BadRequest(`schema: ${error.issues[0]?.message}`)
  const { text } = schema
  const draft = draftOf(asked, schema.value)
  const id = draft && schemaId(draft, text)
  const known = id && knownSchema(id)
  if (known) return known
  const why = await refusal(draft, text, checkerOf(ctx))
  if (draft === undefined || id === undefined || why !== undefined)
    throw new BadRequest(`schema: ${why}`)
  return { id, draft, text }
}
