import { version } from '../../kit/version.ts'
import { json } from '../reply.ts'
import { sequence } from '../route.ts'
import { about } from './about.ts'
import { infoMeta } from './meta.ts'
import { ref } from './schemas.ts'

const ownVersion = version()

/** What the Python client asks again and again to see whether the server is there; so nothing is looked up. */
export const info = sequence({
  method: 'GET',
  path: '/',
  about: about({
    id: 'get_info',
    summary: 'What this API is; answers at the bare base URL too',
    tag: 'API',
    answer: ref('InfoAnswer'),
    failures: {},
  }),
  operations: [],
  run: async ({ base }) =>
    json(200, {
      data: {
        documentation_url: `${base}/docs`,
        maintainer_email: '',
        maintainer_name: 'Millrace',
        source_code_repository_url: '',
        version: ownVersion,
      },
      meta: infoMeta,
      links: { self: `${base}/` },
    }),
})
