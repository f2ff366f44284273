import { describe } from '../descriptor.ts'
import { nouns } from './nouns.ts'

export const topchef = describe({
  name: 'TOPCHEF',
  system: 'TopChef',
  nouns,
  /** The base URL that clients are given, by hand or by a script of the lab: they know of no credential. */
  clientEnvironment: ({ url, handle, token }) => ({
    TOPCHEF_URL: `${url.replace('://', `://${handle}:${token}@`)}/topchef`,
  }),
  routes: () => import('./index.ts'),
})
