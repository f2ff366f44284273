import type { Command } from 'commander'
import {
  CliFollowLogsDocument,
  CliLogsDocument,
  CliLogUrlDocument,
  type CliLineFragment,
} from '../generated/operations/graphql.ts'
import { followed, send, type ServerAccess } from './api.ts'
import { serverOf, talking } from './command.ts'
import type { ReadableLog } from './log-reader.ts'
import { filterOf, printLog, showingLog, type LogView } from './print-log.ts'
import { Refusal } from './refusal.ts'
import { findService } from './service.ts'

/** `logs`: what a service printed, and with -f what it prints from now on. */
export function addLogs(program: Command): void {
  showingLog(talking(program.command('logs')))
    .description('print the log of a service')
    .argument('<service>', 'ID or handle of the service')
    .action(async (name: string, options: LogView, command: Command) => {
      const server = options.follow === true ? followed(serverOf(command)) : serverOf(command)
      const { id } = await findService(server, name, 'VIEWER')
      await printLog(logOf(server, id, options), options, command, {
        whence: ({ instance, source }) => `${instance ?? '-'} ${source.toLowerCase()}`,
        ended: 'The service was deleted; this was the last line.',
      })
    })
}

function logOf(
  server: ServerAccess,
  serviceId: string,
  options: LogView,
): ReadableLog<CliLineFragment> {
  const filter = filterOf(options)
  return {
    async page(range, more) {
      const { service } = await send(server, CliLogsDocument, {
        serviceId,
        filter: { ...filter, ...more },
        ...range,
      })
      if (service === null) throw new Refusal('The service was deleted in the meantime.')
      return service.logs
    },
    async url(format) {
      const { service } = await send(server, CliLogUrlDocument, { serviceId, filter, format })
      if (service === null) throw new Refusal('The service was deleted meanwhile.')
      return service.logDownloadUrl
    },
    async *follow(after) {
      const { follow } = await import('./follow.ts')
      const variables = { serviceId, filter, after }
      for await (const { serviceLogs } of follow(server, CliFollowLogsDocument, variables))
        yield serviceLogs
    },
  }
}
