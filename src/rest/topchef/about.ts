import type { RouteAbout } from '../document/about.ts'

/** What readers are told of a route, with the failures that every route has. */
export const about = (own: RouteAbout): RouteAbout => ({
  ...own,
  failures: {
    401: 'There is no credential, or it is not known.',
    403: 'The role of the credential is too low.',
    ...own.failures,
    500: 'A fault of the server.',
    503: 'What is stored cannot be reached.',
  },
})
