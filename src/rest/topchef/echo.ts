import { json } from '../reply.ts'
import { sequence } from '../route.ts'
import { about } from './about.ts'
import { notJson, readBody } from './body.ts'
import { ref } from './schemas.ts'

/** By which Jython's client tries whether JSON gets through both ways; left over from server 1.0 (contract 6). */
export const echo = sequence({
  method: 'POST',
  path: '/echo',
  about: about({
    id: 'echo',
    summary: 'The body comes back as the data, as it was sent',
    tag: 'API',
    body: ref('Anything'),
    answer: ref('EchoAnswer'),
    failures: { 400: 'The body is not JSON, or does not say so.' },
  }),
  operations: [],
  async run(asked) {
    const data = readBody(asked)
    if (data === undefined) throw notJson()
    return json(200, { data })
  },
})
