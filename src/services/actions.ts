import { isDeepStrictEqual } from 'node:util'
import { annotationChanges, type AnnotationInput } from '../addresses/index.ts'
import { allow, found } from '../auth/viewer.ts'
import { hashSecret } from '../auth/secrets.ts'
import { actor, type Context } from '../context.ts'
import { Prisma, type Service } from '../generated/prisma/client.ts'
import type { CorsPolicy } from '../kit/http/cors.ts'
import { Conflict, ValidationError, WrongState } from '../kit/errors.ts'
import {
  variableChanges,
  withVariables,
  type Variable,
  type VariableInput,
} from '../kit/environment.ts'
import { deploymentOf } from '../deployments/index.ts'
import { create, remove } from '../kinds/index.ts'
import { organizationNamed, TokenId } from '../organizations/index.ts'
import type { FieldChange, NewEvent } from '../streams/index.ts'
import { apply, changed, mine, nextGeneration, pointAt, runnable } from './change.ts'
import { corsColumn, policyOf, type CorsInput } from './process/cors.ts'
import { sizeOf } from './process/instance-type.ts'
import { given, refuseOddName } from './make.ts'
import {
  neededForReady,
  scaleChanges,
  scaleColumns,
  scaledBy,
  scaleOf,
  type ScaleInput,
} from './process/scale.ts'
import { createQueue, updateQueue, type QueueInput } from './queue/queue.ts'
import { processStatus, ServiceId, serviceMoves, services } from './service.ts'
import { moveService } from './store.ts'
import { serviceSecret } from './process/token.ts'
import { allowProcesses } from './process/walls.ts'

/** What a process service is to run and how. */
export interface ProcessInput {
  readonly versionId?: string | null
  readonly scale?: ScaleInput | null
  readonly instanceType?: string | null
  readonly environment?: readonly VariableInput[] | null
  readonly clearEnvironment?: boolean | null
  readonly cors?: CorsInput | null
}

/** Makes a service. It answers at once; the status follows. */
export async function createService(
  ctx: Context,
  input: {
    name?: string | null
    organizationId?: string | null
    handle?: string | null
    description?: string | null
    backend: { process?: ProcessInput | null; queue?: QueueInput | null }
    addresses?: readonly string[] | null
    annotations?: readonly AnnotationInput[] | null
  },
): Promise<Service> {
  const { queue } = input.backend
  const named = await organizationNamed(ctx, input.organizationId)
  if (queue) return createQueue(ctx, queue, { ...input, name: given(input.name, ['name']) }, named)
  refuseOddName(input.name)
  const process = given(input.backend.process, ['backend'])
  const wanted = given(process.versionId, ['backend', 'process', 'versionId'])
  if (named !== undefined) allow(ctx.viewer, 'DEVELOPER', named)
  const version = await runnable(ctx, wanted, ['backend', 'process', 'versionId'], named)
  const { organizationId } = version
  allow(ctx.viewer, 'DEVELOPER', organizationId)
  await allowProcesses(ctx, organizationId)
  const name = input.name ?? (await deploymentOf(ctx, version.deploymentId))?.name ?? 'service'
  const scale = scaledBy(undefined, process.scale, ['backend', 'process', 'scale'])
  const instanceType = sizeOf(process.instanceType, 'cpu-1')
  const id = ServiceId.make()
  const insert = (handle: string): Prisma.Sql => Prisma.sql`
    INSERT INTO "Service" (id, "organizationId", kind, handle, "heldHandle", name, description, status,
      "deploymentId", "versionId", "desiredInstances", "minInstances", "maxInstances", autoscale,
      "targetInFlight", "instanceType", environment, cors, creator)
    SELECT ${id}::uuid, ${organizationId}::uuid, 'PROCESS', ${handle}, ${handle}, ${name},
      ${input.description ?? ''}, ${serviceMoves.initial}::"ServiceStatus", v."deploymentId", v.id,
      ${scale.desired}::int, ${scale.min}::int, ${scale.max}::int, ${scale.autoscale}::boolean,
      ${scale.targetInFlight}::int, ${instanceType},
      ${JSON.stringify(withVariables([], process.environment))}::jsonb,
      ${corsColumn(process.cors ? policyOf(process.cors) : null)}, ${JSON.stringify(actor(ctx))}::jsonb
    FROM "DeploymentVersion" AS v WHERE v.id = ${version.id}::uuid AND v."deletedAt" IS NULL AND v.status = 'READY' FOR SHARE OF v
    ON CONFLICT ("organizationId", "heldHandle") DO NOTHING RETURNING *`
  return create(ctx, services, {
    ...input,
    id,
    organizationId,
    name,
    action: 'createService',
    changes: [
      { field: 'status', to: serviceMoves.initial },
      { field: 'version', to: version.label },
    ],
    insert,
    whyNot: async (db) =>
      found(
        await db.deploymentVersion.findFirst({ where: { id: version.id, deletedAt: null } }),
        'deployment version',
        wanted,
      ),
    along: (db, { handle }) =>
      db.token.create({
        data: {
          id: TokenId.make(),
          name: `service ${handle}`,
          role: 'VIEWER',
          organizationId,
          serviceId: id,
          hash: hashSecret(serviceSecret(ctx.signer, id)),
        },
      }),
  })
}

/**
 * Changes what is given. A new version or environment is rolled out while the old instances serve; so is a new size,
 * where the runtime heeds it.
 */
export async function updateService(
  ctx: Context,
  input: {
    id: string
    name?: string | null
    description?: string | null
    backend?: { process?: ProcessInput | null; queue?: QueueInput | null } | null
    expectedRevision?: number | null
    annotations?: readonly AnnotationInput[] | null
  },
): Promise<Service> {
  const old = await mine(ctx, input.id, 'UPDATE')
  if (input.backend && !input.backend[old.kind === 'QUEUE' ? 'queue' : 'process'])
    throw new ValidationError([
      { path: ['backend'], message: 'A service never changes its kind.', rule: 'kind' },
    ])
  if (input.expectedRevision != null && BigInt(input.expectedRevision) !== old.revision)
    throw staleRevision(old)
  if (old.kind === 'QUEUE') {
    const queue = await updateQueue(ctx, old, input)
    if (queue === undefined && input.expectedRevision != null) throw staleRevision(old)
    return queue ?? updateService(ctx, input)
  }
  refuseOddName(input.name)
  const process = input.backend?.process
  const next = {
    name: input.name ?? old.name,
    description: input.description ?? old.description,
    instanceType: sizeOf(process?.instanceType, old.instanceType),
  }
  const scale = scaleOf(old)
  const nextScale = process
    ? scaledBy(scale, process.scale, ['backend', 'process', 'scale'])
    : scale
  const before = old.environment as unknown as Variable[] // the column holds what withVariables made
  const environment = withVariables(process?.clearEnvironment ? [] : before, process?.environment)
  const version = process?.versionId
    ? await runnable(ctx, process.versionId, ['backend', 'process', 'versionId'])
    : undefined
  const wanted = old.targetVersionId ?? old.versionId
  const isNewVersion = version !== undefined && version.id !== wanted
  if (version !== undefined && version.deploymentId !== old.deploymentId)
    throw new ValidationError([
      {
        path: ['backend', 'process', 'versionId'],
        message: "This is another deployment's version.",
      },
    ])
  const variables = variableChanges(before, environment)
  const hadCors = old.cors as unknown as CorsPolicy | null // the column holds what policyOf made
  const cors = process?.cors === undefined ? hadCors : process.cors && policyOf(process.cors)
  const isResized = ctx.runtime.heedsSize && next.instanceType !== old.instanceType
  const isRollout = isNewVersion || variables.length > 0 || isResized
  const changes: FieldChange[] = [
    ...changed('name', old.name, next.name),
    ...changed('description', old.description, next.description),
    ...changed('instanceType', old.instanceType, next.instanceType),
    ...scaleChanges(scale, nextScale),
    ...variables,
    ...(isDeepStrictEqual(hadCors, cors) ? [] : [{ field: 'cors', from: hadCors, to: cors }]),
    ...(isNewVersion ? [{ field: 'version', to: version.label }] : []),
    ...annotationChanges(input.annotations),
  ]
  if (changes.length === 0) return old
  const set = Prisma.sql`, name = ${next.name}, description = ${next.description},
    "instanceType" = ${next.instanceType}, environment = ${JSON.stringify(environment)}::jsonb,
    cors = ${corsColumn(cors)} ${scaleColumns(nextScale)} ${isNewVersion ? pointAt(version.id) : Prisma.empty}
    ${isRollout ? nextGeneration : Prisma.empty}`
  const isDisturbed = isRollout || neededForReady(scale) !== neededForReady(nextScale)
  // decided by what was read, so written only over what was read
  const where = Prisma.sql`AND t.revision = ${old.revision}::bigint`
  const { annotations } = input
  const events: NewEvent[] = [{ kind: 'UPDATED', changes }]
  const updated = await apply(ctx, old, isDisturbed, set, events, 'updateService', {
    where,
    annotations,
  })
  if (updated !== undefined) return updated
  if (input.expectedRevision != null) throw staleRevision(old)
  return updateService(ctx, input)
}

const staleRevision = (service: Service): Conflict =>
  new Conflict(
    'expectedRevision',
    'The service was changed by somebody else meanwhile: read it again.',
    ServiceId.text(service.id),
  )

/** Changes the number of processes, or who decides it. On a service that rests only the numbers change. */
export async function scaleService(
  ctx: Context,
  input: { id: string; scale: ScaleInput },
): Promise<Service> {
  const service = await mine(ctx, input.id, 'SCALE')
  const before = scaleOf(service)
  const after = scaledBy(before, input.scale, ['scale'])
  const changes = scaleChanges(before, after)
  if (changes.length === 0) return service
  const scaled = await apply(
    ctx,
    service,
    neededForReady(before) !== neededForReady(after),
    scaleColumns(after),
    [{ kind: 'SCALED', changes }],
    'scaleService',
    // decided by what was read, so written only over what was read
    { where: Prisma.sql`AND t.revision = ${service.revision}::bigint` },
  )
  return scaled ?? scaleService(ctx, input)
}

/** Starts a stopped or failed service. */
export async function startService(ctx: Context, { id }: { id: string }): Promise<Service> {
  const service = await mine(ctx, id, 'START')
  await allowProcesses(ctx, service.organizationId)
  const version = await ctx.database.prisma.deploymentVersion.findUnique({
    where: { id: service.targetVersionId ?? service.versionId ?? service.id },
  })
  if (version?.status !== 'READY')
    throw new WrongState('The version it runs has no archive.', version?.status ?? 'NONE', [
      'READY',
    ])
  const started = await moveService(ctx, service, 'start', {
    actor: actor(ctx),
    events: [],
    action: 'startService',
    set: Prisma.sql`, "versionId" = COALESCE(t."targetVersionId", t."versionId"), "targetVersionId" = NULL ${nextGeneration}`,
  })
  return found(started, 'service', id)
}

/** Stops a running service. */
export async function stopService(ctx: Context, { id }: { id: string }): Promise<Service> {
  const service = await mine(ctx, id, 'STOP')
  const stopped = await moveService(ctx, service, 'stop', {
    actor: actor(ctx),
    events: [],
    action: 'stopService',
  })
  return found(stopped, 'service', id)
}

/** Replaces the processes of a running service one by one. */
export async function restartService(ctx: Context, { id }: { id: string }): Promise<Service> {
  const service = await mine(ctx, id, 'RESTART')
  const events = [{ kind: 'UPDATED', message: 'restart asked for' }]
  const restarted = await apply(ctx, service, true, nextGeneration, events, 'restartService')
  return restarted ?? restartService(ctx, { id })
}

/** Deletes a service, whatever its state: gone for every reader at once; its processes are stopped behind it. */
export async function deleteService(ctx: Context, { id }: { id: string }): Promise<Service> {
  const service = await mine(ctx, id, 'DELETE')
  const isQueue = service.kind === 'QUEUE' // it has no process whose end must be waited for
  const from = isQueue ? service.status : processStatus(service.status)
  const to = isQueue
    ? 'STOPPED'
    : (serviceMoves.after(processStatus(service.status), 'stop') ?? from)
  const status = Prisma.sql`status = ${to}::"ServiceStatus"`
  let isRevoked = false
  const deleted = await remove(ctx, services, service, {
    action: 'deleteService',
    set: isQueue ? [status, Prisma.sql`"closedAt" = clock_timestamp()`] : [status],
    changes: changed('status', from, to),
    where: Prisma.sql`AND t.status = ${service.status}::"ServiceStatus"`,
    async along(db, { id: serviceId, deletedAt: revokedAt }) {
      const where = { serviceId, revokedAt: null }
      const { count } = await db.token.updateMany({ where, data: { revokedAt } })
      isRevoked = count > 0
    },
  })
  // it moved on between reading and writing: decided anew
  if (deleted === undefined) return deleteService(ctx, { id: ServiceId.text(service.id) })
  if (isRevoked) ctx.sessions.changed()
  return deleted
}
