import type { Command } from 'commander'
import {
  CliFollowJobLogsDocument,
  CliJobLogsDocument,
  CliJobLogUrlDocument,
  type CliJobLineFragment,
} from '../generated/operations/graphql.ts'
import { followed, send, type ServerAccess } from './api.ts'
import { serverOf, talking } from './command.ts'
import { findJob, gone } from './job.ts'
import type { ReadableLog } from './log-reader.ts'
import { filterOf, printLog, showingLog, type LogView } from './print-log.ts'

/** `job logs`: what the attempts at a job have logged, and with -f what they log from now on, to its end. */
export function addJobLogs(job: Command): void {
  showingLog(talking(job.command('logs')))
    .description('print the log of a job, of all its attempts')
    .argument('<job>', 'ID of the job')
    .action(async (name: string, options: LogView, command: Command) => {
      const server = options.follow === true ? followed(serverOf(command)) : serverOf(command)
      const { id } = await findJob(server, name)
      await printLog(logOf(server, id, options), options, command, {
        whence: ({ attempt, source }) => `${attempt ?? '-'} ${source.toLowerCase()}`,
        ended: 'The job has ended; this was the last line.',
      })
    })
}

function logOf(
  server: ServerAccess,
  jobId: string,
  options: LogView,
): ReadableLog<CliJobLineFragment> {
  const filter = filterOf(options)
  return {
    async page(range, more) {
      const { job } = await send(server, CliJobLogsDocument, {
        jobId,
        filter: { ...filter, ...more },
        ...range,
      })
      if (job === null) throw gone(jobId)
      return job.logs
    },
    async url(format) {
      const { job } = await send(server, CliJobLogUrlDocument, { jobId, filter, format })
      if (job === null) throw gone(jobId)
      return job.logDownloadUrl
    },
    async *follow(after) {
      const { follow } = await import('./follow.ts')
      const variables = { jobId, filter, after }
      for await (const { jobLogs } of follow(server, CliFollowJobLogsDocument, variables))
        yield jobLogs
    },
  }
}
