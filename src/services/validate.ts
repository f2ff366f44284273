import { requireCredential } from '../auth/viewer.ts'
import { builder } from '../builder.ts'
import { IssueType } from '../graph/errors.ts'
import { BadRequest, type Issue } from '../kit/errors.ts'
import { checkedValue } from '../kit/json-numbers.ts'
import { jsonRule } from '../kit/json-rule.ts'
import { jsonText, type JsonText } from '../kit/json.ts'
import { checkOf, draftOf, knownCheck, refusalOf, type SchemaDraft } from '../kit/json-schema.ts'
import { schemaId } from './functions.ts'
import { SchemaDraftType } from './queue-types.ts'

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
        description: 'Every violation, with its path in the value.',
        resolve: ({ issues }) => [...issues],
      }),
    }),
  })

builder.queryField('validateJson', (t) =>
  t.field({
    type: JsonValidationType,
    description:
      'Checks a value against a JSON Schema, as parameters and results of jobs are checked; nothing is fetched. What is no schema that could be kept is a BAD_REQUEST.',
    args: {
      schema: t.arg({ type: 'JSON', required: true, description: 'What it must fit.' }),
      value: t.arg({ type: 'JSON', description: 'What is checked; null when absent.' }),
      draft: t.arg({
        type: SchemaDraftType,
        defaultValue: 'DRAFT_2020_12',
        description: 'How to read the schema, unless it says so by `$schema`.',
      }),
    },
    resolve: (_root, { schema, value, draft }, ctx) => {
      requireCredential(ctx.viewer)
      const { error } = jsonRule.safeParse(value)
      if (error !== undefined) throw new BadRequest(`value: ${error.issues[0]?.message}`)
      const check = checkFor(schema, draft ?? 'DRAFT_2020_12')
      return { issues: check(checkedValue(jsonText(value))) }
    },
  }),
)

/** Throws BadRequest for what is no schema that may be kept. */
function checkFor(schema: JsonText, draft: SchemaDraft) {
  const { error } = jsonRule.safeParse(schema)
  if (error !== undefined) throw new BadRequest(`schema: ${error.issues[0]?.message}`)
  const { text } = schema
  const named = draftOf(schema.value) ?? draft
  const id = schemaId(named, text)
  const known = knownCheck(id)
  if (known !== undefined) return known
  const why = refusalOf(named, checkedValue(text), text)
  if (why !== undefined) throw new BadRequest(`schema: ${why}`)
  return checkOf(id, named, text)
}
