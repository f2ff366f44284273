import type { InputObjectRef } from '@pothos/core'
import { builder } from '../builder.ts'

type Types = typeof builder.$inferSchemaTypes

export const TimeRangeInput: InputObjectRef<Types, { from: Date; to?: Date | null }> = builder
  .inputRef<{ from: Date; to?: Date | null }>('TimeRange')
  .implement({
    description: 'From the first time up to, not including, the second.',
    fields: (t) => ({
      from: t.field({ type: 'DateTime', required: true, description: 'The first moment in it.' }),
      to: t.field({ type: 'DateTime', description: 'The first moment after it; absent: no end.' }),
    }),
  })
