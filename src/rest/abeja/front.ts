import { describe, type Access } from '../descriptor.ts'
import { nouns } from './nouns.ts'

/** What its SDK and its command line need. The organization stands in front of the host: before `x@` it needs no DNS (contract 1.3). */
const clientEnvironment = ({ url, address, token }: Access) => ({
  ABEJA_API_URL: `${url.replace('://', '://x@')}/abeja`,
  ABEJA_ORGANIZATION_ID: address ?? '',
  PLATFORM_AUTH_TOKEN: token,
})

export const abeja = describe({
  name: 'ABEJA',
  system: 'ABEJA Platform',
  nouns,
  clientNames: /^(?:user|datasource)-/, // contract 1.4
  sourceMark: '.abeja', // contract 4.2
  clientEnvironment,
  // contract 4.3
  handlerEnvironment: ({ handler, ...access }) => ({
    HANDLER: handler,
    ...clientEnvironment(access),
    ABEJA_TRAINING_RESULT_DIR: '.', // a model lies in the archive, where a handler runs
  }),
  routes: () => import('./index.ts'),
})
