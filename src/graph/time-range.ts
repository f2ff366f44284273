import type { InputObjectRef } from '@pothos/core'
import { builder } from '../builder.ts'

type Types = typeof builder.$inferSchemaTypes

export const TimeRangeInput: InputObjectRef<Types, { from: Date; to?: Date | null }> = builder
  .inputRef<{ from: Date; to?: Date | null }>('TimeRange')
  .implement({
    description: 'A half-open range of time: from `from`, up to but not including `to`.',
    fields: (t) => ({
      from: t.field({
        type: 'DateTime',
        required: true,
        description: 'Start of the range, inclusive.',
      }),
      to: t.field({
        type: 'DateTime',
        description: 'End of the range, exclusive. Default: no end.',
      }),
    }),
  })
