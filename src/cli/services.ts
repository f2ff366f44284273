import type { Command } from 'commander'
import {
  CliDeleteServiceDocument,
  CliOwnRolesDocument,
  CliRestartServiceDocument,
  CliScaleServiceDocument,
  CliServicesDocument,
  CliStartServiceDocument,
  CliStopServiceDocument,
} from '../generated/operations/graphql.ts'
import { done, isWorker, needs, send, type ServerAccess } from './api.ts'
import { isJson, readWhole, serverOf, talking } from './command.ts'
import { answer, table } from './output.ts'
import { Refusal } from './refusal.ts'
import { findService, instancesOf, versionOf, type ShownService } from './service.ts'
import { settled } from './wait.ts'

interface WaitOptions {
  readonly wait: boolean
}

/** `services` and what is done to one of them. */
export function addServices(program: Command): void {
  talking(program.command('services'))
    .description('list the services')
    .action(async (_options: unknown, command: Command) => {
      const services = await listedBy(serverOf(command))
      answer(isJson(command), services, () => tableOf(services))
    })

  changing(program, 'stop', 'stop the processes of a service', async (server, { id }) => {
    const { stopService } = await send(server, CliStopServiceDocument, { input: { id } })
    return done(stopService).service
  })
  changing(program, 'start', 'start a service that is STOPPED or FAILED', startService)
  changing(
    program,
    'restart',
    'replace the processes of a service one by one',
    async (server, { id }) => {
      const { restartService } = await send(server, CliRestartServiceDocument, { input: { id } })
      return done(restartService).service
    },
  )
  changing(
    program,
    'scale',
    'set the number of processes of a service',
    async (server, { id }, n) => {
      const input = { id, scale: { desired: n } }
      const { scaleService } = await send(server, CliScaleServiceDocument, { input })
      return done(scaleService).service
    },
  )

  talking(program.command('delete'))
    .description('delete a service and stop its processes')
    .argument('<service>', 'ID or handle of the service')
    .action(async (name: string, _options: unknown, command: Command) => {
      const server = serverOf(command)
      const { id } = await findService(server, name)
      const { deleteService } = await send(server, CliDeleteServiceDocument, { input: { id } })
      const { deletedId, service } = done(deleteService)
      const { handle } = service
      answer(isJson(command), { deletedId, handle }, () => `${handle} was deleted.`)
    })
}

export async function startService(
  server: ServerAccess,
  { id }: ShownService,
): Promise<ShownService> {
  const { startService: outcome } = await send(server, CliStartServiceDocument, { input: { id } })
  return done(outcome).service
}

/** A command that changes one service and waits for what comes of it. */
function changing(
  program: Command,
  name: string,
  description: string,
  change: (server: ServerAccess, service: ShownService, count: number) => Promise<ShownService>,
): void {
  const command = talking(program.command(name))
    .description(description)
    .argument('<service>', 'ID or handle of the service')
    .option('--no-wait', 'do not wait until the change is complete')
  if (name === 'scale') command.argument('<n>', 'number of processes', readWhole(1))
  command.action(async (text: string, ...rest: unknown[]) => {
    const { wait } = command.opts<WaitOptions>()
    const server = serverOf(command)
    const changed = await change(server, await findService(server, text), Number(rest[0]))
    const service = wait ? await settled(server, changed) : changed
    answer(isJson(command), service, () => sentence(service))
  })
}

/** What a service is now, in a sentence. */
export const sentence = (service: ShownService): string =>
  `${service.handle} is ${service.status}: ${instancesOf(service)} instances ready, version ${versionOf(service)}.`

/** A service in a list of those of several organizations. */
type Listed = ShownService & { readonly organization?: string }

/** All services; of whoever is a member of several organizations with the handle of each. */
async function listedBy(server: ServerAccess): Promise<Listed[]> {
  const { memberships } = (await send(server, CliOwnRolesDocument, {})).viewer
  if (memberships.length < 2) {
    const services = await allServices(server)
    if (services.length === 0 && (await isWorker(server))) throw new Refusal(needs('VIEWER'))
    return services
  }
  const all: Listed[] = []
  for (const { organization } of memberships) {
    const { handle } = organization
    const services = await allServices({ ...server, organization: handle })
    all.push(...services.map((service) => ({ ...service, organization: handle })))
  }
  return all
}

async function allServices(server: ServerAccess): Promise<ShownService[]> {
  const all: ShownService[] = []
  let after: string | null = null
  do {
    const { services }: { services: ServicePage } = await send(server, CliServicesDocument, {
      after,
    })
    all.push(...services.nodes)
    after = services.pageInfo.hasNextPage ? services.pageInfo.endCursor : null
  } while (after !== null)
  return all
}

interface ServicePage {
  readonly nodes: readonly ShownService[]
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null }
}

function tableOf(services: readonly Listed[]): string {
  if (services.length === 0)
    return 'There are no services yet: create one with `npx millrace deploy`.'
  const isOfSeveral = services.some(({ organization }) => organization !== undefined)
  return table(
    [...(isOfSeveral ? ['ORGANIZATION'] : []), 'SERVICE', 'STATUS', 'READY', 'VERSION', 'URL'],
    services.map((service) => [
      ...(isOfSeveral ? [service.organization ?? ''] : []),
      service.handle,
      service.status,
      instancesOf(service),
      versionOf(service),
      service.__typename === 'ProcessService' ? service.invokeUrl : '',
    ]),
  )
}
