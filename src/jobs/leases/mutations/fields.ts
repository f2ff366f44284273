import { builder } from '../../../builder.ts'
import type { JobRow } from '../../../job-engine/index.ts'

/*
 * Every one of these may be sent again: a claim is identified by its `claimId`, a report by its fence, a line by its number.
 */

type Types = typeof builder.$inferSchemaTypes
type Inputs = PothosSchemaTypes.InputFieldBuilder<Types, 'InputObject'>

/** What every report on a job carries. */
export const leaseFields = (t: Inputs) => ({
  jobId: t.id({ required: true, description: 'The job: id or address.' }),
  fence: t.string({ required: true, description: 'The fence of the lease.' }),
})

/** A job without all its columns, for the resolvers of what was asked for, which need no other. */
export const asAsked = (job: Pick<JobRow, 'id'>): JobRow => job as JobRow
