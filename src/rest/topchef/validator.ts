import { TopchefValidateDocument } from '../../generated/operations/graphql.ts'
import { json } from '../reply.ts'
import { route, sequence } from '../route.ts'
import { about } from './about.ts'
import { fieldsOf } from './body.ts'
import { violations } from './errors.ts'
import { self, validatorMeta } from './meta.ts'
import { ref } from './schemas.ts'

const tag = 'Validator'

export const validatorRoutes = [
  sequence({
    method: 'GET',
    path: '/validator',
    about: about({
      id: 'get_validator',
      summary: 'How to use the validator',
      tag,
      answer: ref('NothingAnswer'),
      failures: {},
    }),
    operations: [],
    run: async (asked) => json(200, { data: {}, meta: validatorMeta, links: self(asked) }),
  }),
  route({
    method: 'POST',
    path: '/validator',
    about: about({
      id: 'validate',
      summary: 'Check an object against a JSON Schema of draft 4; nothing is stored or fetched',
      tag,
      body: ref('Validation'),
      answer: ref('ValidationAnswer'),
      failures: { 400: 'It does not fit, the schema is none, or the request has another shape.' },
    }),
    operation: TopchefValidateDocument,
    variables(asked) {
      const fields = fieldsOf(asked)
      fields.require('object', 'schema')
      const object = fields.object('object')
      const schema = fields.object('schema')
      fields.check()
      return { object, schema }
    },
    reply({ validateJson: { issues } }, asked) {
      if (issues.length > 0) throw violations(issues)
      return json(200, { data: { status: 'Validation was successful' }, links: self(asked) })
    },
  }),
]
