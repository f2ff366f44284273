import type { Command } from 'commander'
import {
  CliRollBackDocument,
  CliVersionsDocument,
  type CliVersionsQuery,
  type CliVersionsQueryVariables,
} from '../generated/operations/graphql.ts'
import { done, send, type ServerAccess } from './api.ts'
import { isJson, serverOf, talking } from './command.ts'
import { answer } from './output.ts'
import { Refusal } from './refusal.ts'
import { findService, withProcesses, type ProcessService, type ShownService } from './service.ts'
import { sentence } from './services.ts'
import { settled } from './wait.ts'

interface RollbackOptions {
  readonly to?: string
  readonly wait: boolean
}

/** `rollback`: back to an earlier version. */
export function addRollback(program: Command): void {
  talking(program.command('rollback'))
    .description('return a service to an earlier version')
    .argument('<service>', 'ID or handle of the service')
    .option(
      '--to <version>',
      'label or ID of the version (default: the version before the current one)',
    )
    .option('--no-wait', 'do not wait until the service is ready')
    .action(async (name: string, { to, wait }: RollbackOptions, command: Command) => {
      const server = serverOf(command)
      const service = withProcesses(await findService(server, name))
      const version = await earlier(server, service, to)
      const { rollBackDeployment } = await send(server, CliRollBackDocument, {
        input: {
          deploymentId: service.deployment.id,
          versionId: version.id,
          serviceIds: [service.id],
        },
      })
      const [changed = service]: ShownService[] = done(rollBackDeployment).services
      const now = wait ? await settled(server, changed, version.id) : changed
      answer(isJson(command), now, () => sentence(now))
    })
}

type Version = NonNullable<CliVersionsQuery['deployment']>['versions']['nodes'][number]

/** The version with that label or id, else the newest one that can be run of those made before the current one. */
async function earlier(
  server: ServerAccess,
  { handle, deployment, version, targetVersion }: ProcessService,
  wanted: string | undefined,
): Promise<Version> {
  const current = targetVersion ?? version
  let isBefore = false
  for await (const candidate of newestFirst(server, deployment.id)) {
    if (candidate.label === wanted || candidate.id === wanted) return candidate
    if (wanted === undefined && isBefore && candidate.status === 'READY') return candidate
    isBefore ||= candidate.id === current.id
  }
  throw new Refusal(
    wanted === undefined
      ? `${handle} runs version ${current.label}, and there is no earlier version.`
      : `Deployment ${deployment.handle} has no version ${JSON.stringify(wanted)}.`,
  )
}

async function* newestFirst(server: ServerAccess, deploymentId: string): AsyncGenerator<Version> {
  let before: string | null = null
  do {
    const variables: CliVersionsQueryVariables = { deploymentId, before }
    const { deployment } = await send(server, CliVersionsDocument, variables)
    if (deployment === null) return
    const { nodes, pageInfo } = deployment.versions
    yield* nodes.toReversed()
    before = pageInfo.hasPreviousPage ? pageInfo.startCursor : null
  } while (before !== null)
}
