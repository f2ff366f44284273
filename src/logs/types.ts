import type { ArgBuilder, InputObjectRef } from '@pothos/core'
import { builder } from '../builder.ts'
import { DeliveryInterface, streamConnectionOf, type Delivery } from '../events/index.ts'
import { LogSource } from '../generated/prisma/enums.ts'

import { TimeRangeInput } from '../graph/time-range.ts'
import type { LogFilter, LogFormat, LogLine } from '../streams/index.ts'
import type { Piece, ShownLine } from './pieces.ts'

const LogSourceType = builder.enumType('LogSource', {
  description: 'Source of a log line.',
  values: {
    [LogSource.STDOUT]: { description: 'Standard output of a process.' },
    [LogSource.STDERR]: { description: 'Standard error of a process.' },
    [LogSource.SYSTEM]: { description: 'Millrace, with a message about what it runs.' },
    [LogSource.WORKER]: { description: 'A worker, with a message about a job.' },
  } as const,
})

const LogPieceType = builder.objectRef<Piece>('LogPiece').implement({
  description: 'Part of a log line that is too large for one delivery.',
  fields: (t) => ({
    number: t.exposeInt('number', {
      description:
        'Number of the piece, from 1. Piece 1 starts the line; it comes again when the subscription was resumed in the middle of a line.',
    }),
    of: t.exposeInt('of', {
      description:
        'Number of pieces of the line. The cursor of the delivery moves past the line with the last piece.',
    }),
  }),
})

const LogLineType = builder.objectRef<ShownLine>('LogLine').implement({
  description: 'One line of a log. Lines are numbered 1, 2, 3 … in each log, without gaps.',
  fields: (t) => ({
    number: t.field({
      type: 'SafeInt',
      description: 'Number of the line.',
      resolve: ({ number }) => number,
    }),
    at: t.field({
      type: 'DateTime',
      description: 'Time at which the line was stored. Times never decrease within a log.',
      resolve: ({ at }) => at,
    }),
    source: t.field({
      type: LogSourceType,
      description: 'Source of the line.',
      resolve: ({ source }) => source,
    }),
    instance: t.exposeInt('instance', {
      nullable: true,
      description: 'Ordinal of the process that wrote the line. Null where no process did.',
    }),
    attempt: t.exposeInt('attempt', {
      nullable: true,
      description: 'Number of the attempt that wrote the line. Null in the log of a service.',
    }),
    text: t.exposeString('text', {
      description:
        'Text of the line without its line end, or a piece of it. Lines above 250 kB are split. NUL and bytes that are not UTF-8 are written as `\\xNN`.',
    }),
    isUnfinished: t.exposeBoolean('isUnfinished', {
      description:
        'Whether the writer has not ended the line, such as a progress bar or a prompt. It has the state of the line at that time, at most once a second. Show it until the next line of the same source, instance and attempt, which replaces it. In all other respects it is a normal line: it has a number and stays stored.',
    }),
    piece: t.field({
      type: LogPieceType,
      nullable: true,
      description:
        'Set in a subscription when the line is delivered in pieces, one in each delivery, because the message would be larger than 1 MiB. The line is the texts of its pieces in order. Null otherwise.',
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
      'Criteria for lines of a log. A line must meet all criteria that are given. A list means any of its entries.',
    fields: (t) => ({
      text: t.string({
        description:
          'Substring of the line, ignoring case; at most 1,000 characters. Case is compared by the rules of Unicode, the same in every language: `σ` finds `Σ` and `ς`, and `ß` finds `ẞ` but not `ss`. The Turkish `İ` and `ı` match only themselves.',
      }),
      sources: t.field({ type: [LogSourceType], description: 'Sources of the line.' }),
      instances: t.intList({
        description: 'Ordinals of the processes that wrote the line, such as 0.',
      }),
      attempts: t.intList({ description: 'Numbers of the attempts that wrote the line.' }),
      at: t.field({ type: TimeRangeInput, description: 'Time at which the line was stored.' }),
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
        'Each line begins with its time, the ordinal of its process (in the log of a job: the number of its attempt) and its source; the text follows: `2026-01-31T12:00:00.000Z 0 stderr no such file`. Media type text/plain, file name `….log`.',
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
  'Signed URL that returns lines of the log as a file, valid for an hour. Anyone who has the URL can fetch the file without a credential, so keep it secret. GET, HEAD and byte ranges are supported, so that a download that was cut can be continued (`curl -C - -O`). The file ends with the line that is the newest now, and does not change while its lines are kept. Lines that retention has removed are reported where they are missing: by `{"gap":{"from":1,"to":60,"reason":"RETENTION"}}` in NDJSON, by a line in brackets in text.'

/** Lines a subscription may begin with. */
export const MAX_LAST = 1_000

/** The arguments of subscriptions to a log. */
export const followArgs = (t: ArgBuilder<Types>) => ({
  after: t.string({
    description:
      'Cursor to resume after, or "start" for everything that is kept. Default: starts with the last lines, as many as `last` says.',
  }),
  last: t.int({
    defaultValue: 10,
    description: `Number of existing lines to start with when \`after\` is absent. Range: 0 to ${MAX_LAST}.`,
  }),
  filter: t({ type: LogFilterInput, description: 'Criteria. Default: all lines.' }),
})

export interface LogContent {
  readonly lines: readonly ShownLine[]
}

export const LogDeliveryType = builder.objectRef<LogContent & Delivery>('LogDelivery').implement({
  description:
    'Lines of a log, oldest first, at most 50 ms old. With a filter, numbers have gaps and the cursor also advances without lines.',
  interfaces: [DeliveryInterface],
  fields: (t) => ({
    lines: t.field({
      type: [LogLineType],
      description: 'The lines.',
      resolve: ({ lines }) => [...lines],
    }),
  }),
})
