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
        description:
          'The draft to read the schema by, whatever it names by `$schema`. When absent, the draft that it names; 2020-12 when it names none.',
      }),
    },
    resolve: (_root, { schema, value, draft }, ctx) => {
      requireCredential(ctx.viewer)
      const { error } = jsonRule.safeParse(value)
      if (error !== undefined) throw new BadRequest(`value: ${error.issues[0]?.message}`)
      const check = checkFor(schema, draft)
      return { issues: check(checkedValue(jsonText(value))) }
    },
  }),
)

/** Throws BadRequest for what is no schema that may be kept. */
function checkFor(schema: JsonText, asked: SchemaDraft | null | undefined) {
  const { error } = jsonRule.safeParse(schema)
  if (error !== undefined) throw new BadRequest(`schema: ${error.issues[0]?.message}`)
  const { text } = schema
  const draft = draftOf(asked, schema.value)
  const known = draft && knownCheck(schemaId(draft, text))
  if (known !== undefined) return known
  const why = refusalOf(draft, checkedValue(text), text)
  if (draft === undefined || why !== undefined) throw new BadRequest(`schema: ${why}`)
  return checkOf(schemaId(draft, text), draft, text)
}
