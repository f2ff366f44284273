import { AbejaOrganizationDocument } from '../../generated/operations/graphql.ts'
import { json } from '../reply.ts'
import { route } from '../route.ts'
import { about } from './about.ts'
import { ofCaller, organization, ORGANIZATION } from './ids.ts'
import { ref } from './schemas.ts'
import { wholeSeconds } from './times.ts'

/** What the command line asks before it runs a model on its own machine: it knows an organization, and wants its id. */
export const organizationRoute = route({
  method: 'GET',
  path: ORGANIZATION,
  about: about({
    id: 'get_organization',
    summary: 'An organization',
    tag: 'Organizations',
    answer: ref('Organization'),
    failures: {},
  }),
  operation: AbejaOrganizationDocument,
  variables: (asked) => ({ organization: organization(asked) }),
  reply(found) {
    const { address, name, createdAt } = ofCaller(found.organization)
    return json(200, {
      id: address,
      name,
      created_at: wholeSeconds(createdAt),
      updated_at: wholeSeconds(createdAt),
    })
  },
})
