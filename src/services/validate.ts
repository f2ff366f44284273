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
    description: 'Whether a value is valid against a JSON Schema.',
    fields: (t) => ({
      isValid: t.boolean({
        description: 'Whether the value is valid.',
        resolve: ({ issues }) => issues.length === 0,
      }),
      issues: t.field({
        type: [IssueType],
        description:
          'The first 100 violations, with their paths in the value. A violation with the rule `steps` says that the check was abandoned, because it needs too many steps.',
        resolve: ({ issues }) => [...issues],
      }),
    }),
  })

builder.queryField('validateJson', (t) =>
  t.field({
    type: JsonValidationType,
    description:
      'Validates a value against a JSON Schema, in the way parameters and results of jobs are validated. References to other documents are not fetched. Requires the VIEWER role in some organization, otherwise the error is FORBIDDEN. A schema that no queue could have is a BAD_REQUEST. The error is UNAVAILABLE when too many long validations are waiting.',
    args: {
      schema: t.arg({
        type: 'JSON',
        required: true,
        description: 'JSON Schema that the value must match.',
      }),
      value: t.arg({ type: 'JSON', description: 'Value to validate. Default: null.' }),
      draft: t.arg({
        type: SchemaDraftType,
        description:
          'JSON Schema draft to use, regardless of `$schema`. Default: the draft that `$schema` names, and 2020-12 when there is none.',
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
