import type { InputObjectRef } from '@pothos/core'
import { builder } from '../builder.ts'
import { DeliveryInterface, streamConnectionOf, type Delivery } from '../events/index.ts'
import { LogSource } from '../generated/prisma/enums.ts'

import { TimeRangeInput } from '../graph/time-range.ts'
import type { LogFilter, LogLine } from '../streams/index.ts'
import type { Piece, ShownLine } from './pieces.ts'

const LogSourceType = builder.enumType('LogSource', {
  description: 'Where a line comes from.',
  values: {
    [LogSource.STDOUT]: { description: 'The standard output of a process.' },
    [LogSource.STDERR]: { description: 'The standard error of a process.' },
    [LogSource.SYSTEM]: { description: 'Millrace, about what it runs.' },
    [LogSource.WORKER]: { description: 'A worker, about a job.' },
  } as const,
})

const LogPieceType = builder.objectRef<Piece>('LogPiece').implement({
  description: 'Which piece of a line.',
  fields: (t) => ({
    number: t.exposeInt('number', {
      description:
        'From 1 on. The first one begins the line, anew when the subscription was resumed meanwhile.',
    }),
    of: t.exposeInt('of', {
      description: 'How many there are. The cursor moves behind the line with the last.',
    }),
  }),
})

const LogLineType = builder.objectRef<ShownLine>('LogLine').implement({
  description: 'One line; numbers are dense per log: 1, 2, 3 …',
  fields: (t) => ({
    number: t.field({
      type: 'SafeInt',
      description: 'Its place in the log.',
      resolve: ({ number }) => number,
    }),
    at: t.field({
      type: 'DateTime',
      description: 'When it was stored; never falls within a log.',
      resolve: ({ at }) => at,
    }),
    source: t.field({
      type: LogSourceType,
      description: 'Where it comes from.',
      resolve: ({ source }) => source,
    }),
    instance: t.exposeInt('instance', {
      nullable: true,
      description: 'Ordinal of the process that wrote it.',
    }),
    attempt: t.exposeInt('attempt', {
      nullable: true,
      description: 'Number of the attempt that wrote it.',
    }),
    text: t.exposeString('text', {
      description:
        'The line without its end, or a piece of it. Lines above 250 kB are split; NUL and bytes that are not UTF-8 are written as `\\xNN`.',
    }),
    isUnfinished: t.exposeBoolean('isUnfinished', {
      description:
        'The writer has not ended the line: a progress bar, a prompt. This is what it looked like at that time, told at most once a second. Show it until the next line of the same source, instance and attempt comes, which takes its place. In all else it is a line like any other: it has a number, stays stored, and counts.',
    }),
    piece: t.field({
      type: LogPieceType,
      nullable: true,
      description:
        'Set when a subscription brings a line in pieces, one a delivery, because the message would be larger than 1 MiB. The line is their texts in order.',
      resolve: ({ piece }) => piece ?? null,
    }),
  }),
})

export const LogLineConnection = streamConnectionOf<LogLine>('LogLine', LogLineType, 'log lines')

type Types = typeof builder.$inferSchemaTypes

export const LogFilterInput: InputObjectRef<Types, LogFilter> = builder
  .inputRef<LogFilter>('LogFilter')
  .implement({
    description: 'Which lines; lists mean any of.',
    fields: (t) => ({
      contains: t.string({ description: 'Lines that contain this text, case and all.' }),
      sources: t.field({ type: [LogSourceType], description: 'Lines from any of these.' }),
      instance: t.int({ description: 'Lines of the process with this ordinal.' }),
      attempt: t.int({ description: 'Lines of this attempt.' }),
      at: t.field({ type: TimeRangeInput, description: 'Lines of this time.' }),
      isUnfinished: t.boolean({
        description:
          'False: only lines that are finished. True: only those that are not. Absent: both.',
      }),
    }),
  })

export interface LogContent {
  readonly lines: readonly ShownLine[]
}

export const LogDeliveryType = builder.objectRef<LogContent & Delivery>('LogDelivery').implement({
  description:
    'Lines of a log, oldest first, at most 50 ms old. With a filter numbers have holes and the cursor moves on without lines.',
  interfaces: [DeliveryInterface],
  fields: (t) => ({
    lines: t.field({
      type: [LogLineType],
      description: 'The lines.',
      resolve: ({ lines }) => [...lines],
    }),
  }),
})
