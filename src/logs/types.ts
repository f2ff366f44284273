import type { ArgBuilder, InputObjectRef } from '@pothos/core'
import { builder } from '../builder.ts'
import { DeliveryInterface, streamConnectionOf, type Delivery } from '../events/index.ts'
import { LogSource } from '../generated/prisma/enums.ts'

import { TimeRangeInput } from '../graph/time-range.ts'
import type { LogFilter, LogFormat, LogLine } from '../streams/index.ts'
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
    description:
      'Criteria for lines of a log. A line must match all that are given; a list matches any of its values.',
    fields: (t) => ({
      text: t.string({
        description:
          'Text within the line, in upper or lower case, 1 to 1,000 characters. Case is that of Unicode, the same in every language: `σ` finds `Σ` and `ς`, `ß` finds `ẞ` but not `ss`, and the Turkish `İ` and `ı` are letters of their own.',
      }),
      sources: t.field({ type: [LogSourceType], description: 'Sources of the line.' }),
      instances: t.intList({
        description: 'Ordinals of the processes that wrote the line, such as 0.',
      }),
      attempts: t.intList({ description: 'Numbers of the attempts that wrote the line.' }),
      at: t.field({ type: TimeRangeInput, description: 'Time when the line was stored.' }),
      isUnfinished: t.boolean({
        description: 'False: only finished lines. True: only unfinished lines. Default: both.',
      }),
    }),
  })

const LogFormatType = builder.enumType('LogFormat', {
  description: 'Format of a downloaded log.',
  values: {
    TEXT: {
      description:
        'The text of each line, and nothing else. Media type text/plain, file name `….log`.',
    },
    TIMED_TEXT: {
      description:
        'Each line after its time, the ordinal of its process (of a job: the number of its attempt) and its source: `2026-01-31T12:00:00.000Z 0 stderr no such file`. Media type text/plain, file name `….log`.',
    },
    NDJSON: {
      description:
        'A JSON object for each line, with `number`, `at`, `source`, `instance`, `attempt`, `text` and `isUnfinished`. Media type application/x-ndjson, file name `….ndjson`.',
    },
  } satisfies Record<LogFormat, { description: string }>,
})

/** The arguments of fields that return the URL of a log. */
export const downloadArgs = (t: ArgBuilder<Types>) => ({
  format: t({
    type: LogFormatType,
    required: true,
    defaultValue: 'TEXT',
    description: 'Format of the file.',
  }),
  filter: t({
    type: LogFilterInput,
    description:
      'Criteria for the lines in the file. TEXT and TIMED_TEXT have finished lines only, unless `isUnfinished` is set.',
  }),
  from: t({
    type: 'SafeInt',
    description: 'Number of the first line in the file, at least 1. Default: 1.',
  }),
  to: t({
    type: 'SafeInt',
    description: 'Number of the last line in the file, at least 1. Default: the newest line now.',
  }),
})

export const downloadDescription =
  'URL that returns lines of the log as a file, for an hour. Whoever has the URL can fetch the file without a credential, so keep it secret. GET, HEAD and byte ranges are supported, so that a download that was cut can be continued (`curl -C - -O`). The file ends with the line that is the newest now, and does not change while its lines are kept. Lines that retention has removed are reported where they are missing: by `{"gap":{"from":1,"to":60,"reason":"RETENTION"}}` in NDJSON, by a line in brackets in text.'

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
