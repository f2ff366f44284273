import { builder } from '../../../builder.ts'

/*
 * Every one of these may be sent again: a claim is identified by its `claimId`, a report by its fence, a line by its number.
 */

type Types = typeof builder.$inferSchemaTypes
type Inputs = PothosSchemaTypes.InputFieldBuilder<Types, 'InputObject'>

/** What every report on a job carries. */
export const leaseFields = (t: Inputs) => ({
  jobId: t.id({ required: true, description: 'Job: ID or address.' }),
  fence: t.string({ required: true, description: 'Fencing token of the lease.' }),
})
