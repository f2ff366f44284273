import { TopchefIsServiceDocument } from '../../generated/operations/graphql.ts'
import type { Guard } from '../route.ts'
import { noService, service } from './ids.ts'

/** That there is no such service comes before what is wrong with the request. */
export const inService: Guard = {
  operation: TopchefIsServiceDocument,
  async check(asked, execute) {
    const data = await execute(TopchefIsServiceDocument, { service: service(asked) }, asked.ctx)
    if (data.service === null) throw noService(asked)
  },
}
