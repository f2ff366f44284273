import type { AnnotationInput } from '../addresses/index.ts'
import { found, organizationFor } from '../auth/viewer.ts'
import { actor, type Context } from '../context.ts'
import {
  Prisma,
  type Deployment,
  type DeploymentVersion,
  type Upload,
} from '../generated/prisma/client.ts'
import { Conflict, WrongState } from '../kit/errors.ts'
import {
  variableChanges,
  withVariables,
  type Variable,
  type VariableInput,
} from '../kit/environment.ts'
import { changing, create, hint, insertion, remove, update, writeIn } from '../kinds/index.ts'
import { organizationNamed } from '../organizations/index.ts'
import { newUpload } from '../uploads/index.ts'
import {
  DEFAULT_HANDLER,
  DEFAULT_IMAGE,
  DeploymentId,
  deployments,
  VersionId,
  versions,
} from './deployment.ts'

interface Named {
  readonly addresses?: readonly string[] | null | undefined
  readonly annotations?: readonly AnnotationInput[] | null | undefined
}

/** Makes a deployment. Without a handle, one is made from the name, with a number behind it when that is taken. */
export async function createDeployment(
  ctx: Context,
  input: Named & {
    name: string
    organizationId?: string | null
    handle?: string | null
    description?: string | null
    environment?: readonly VariableInput[] | null
  },
): Promise<Deployment> {
  const named = await organizationNamed(ctx, input.organizationId)
  const organizationId = organizationFor(ctx.viewer, 'DEVELOPER', named)
  const values = {
    description: input.description ?? '',
    environment: JSON.stringify(withVariables([], input.environment)),
    creator: JSON.stringify(actor(ctx)),
  }
  return create(ctx, deployments, { ...input, organizationId, action: 'createDeployment', values })
}

/** Changes what is given. Services take a new environment with their next restart or rollout. */
export async function updateDeployment(
  ctx: Context,
  input: {
    id: string
    name?: string | null
    description?: string | null
    environment?: readonly VariableInput[] | null
    clearEnvironment?: boolean | null
    annotations?: readonly AnnotationInput[] | null
  },
): Promise<Deployment> {
  const old = await deployments.toChange(ctx, input.id)
  const before = old.environment as unknown as Variable[] // the column holds what withVariables made
  const environment = withVariables(input.clearEnvironment ? [] : before, input.environment)
  const changes = variableChanges(before, environment)
  const updated = await update(ctx, deployments, old, {
    action: 'updateDeployment',
    values: {
      name: input.name ?? old.name,
      description: input.description ?? old.description,
    },
    set:
      changes.length === 0 ? [] : [Prisma.sql`environment = ${JSON.stringify(environment)}::jsonb`],
    changes,
    // decided by what was read, so written only over what was read
    where: changes.length === 0 ? undefined : Prisma.sql`AND t.revision = ${old.revision}::bigint`,
    annotations: input.annotations,
  })
  return updated ?? updateDeployment(ctx, input)
}

/** Deletes a deployment that has no services; its versions and routes go with it. */
export async function deleteDeployment(ctx: Context, { id }: { id: string }): Promise<Deployment> {
  const deployment = await deployments.toChange(ctx, id)
  const where = { deploymentId: deployment.id, deletedAt: null }
  const deleted = await remove(ctx, deployments, deployment, {
    action: 'deleteDeployment',
    where: Prisma.sql`AND NOT EXISTS (SELECT 1 FROM "Service" AS s WHERE s."deploymentId" = t.id AND s."deletedAt" IS NULL)`,
    async along(db, { deletedAt }) {
      await db.deploymentVersion.updateMany({ where, data: { deletedAt, heldLabel: null } })
      // they lead nowhere by now, and their names are its own
      const data = { deletedAt, heldHandle: null, heldName: null }
      await db.route.updateMany({ where, data })
      await db.$executeRaw`
        DELETE FROM "Address" WHERE "objectId" IN (
          SELECT id FROM "DeploymentVersion" WHERE "deploymentId" = ${deployment.id}::uuid
          UNION ALL SELECT id FROM "Route" WHERE "deploymentId" = ${deployment.id}::uuid)`
    },
  })
  if (deleted !== undefined) return deleted
  const services = await ctx.database.prisma.service.count({ where })
  if (services === 0) found(null, 'deployment', id)
  throw new WrongState(
    `The deployment still has ${services} ${services === 1 ? 'service' : 'services'}: delete them first.`,
    'IN_USE',
    ['UNUSED'],
  )
}

/** Makes a version, which waits for its archive at the upload. */
export async function createDeploymentVersion(
  ctx: Context,
  input: Named & {
    deploymentId: string
    label: string
    image?: string | null
    handler?: string | null
    command?: string | null
    parameters?: readonly { name: string; value: string }[] | null
  },
): Promise<{ version: DeploymentVersion; upload: Upload }> {
  const { deploymentId, label, command } = input
  const deployment = await deployments.toChange(ctx, deploymentId)
  const { organizationId } = deployment
  const id = VersionId.make()
  const row = insertion(versions, {
    id,
    organizationId,
    deploymentId: deployment.id,
    label,
    heldLabel: label,
    image: input.image ?? DEFAULT_IMAGE,
    handler: command ? null : (input.handler ?? DEFAULT_HANDLER),
    command: command ?? null,
    parameters: JSON.stringify(
      (input.parameters ?? []).map(({ name, value }) => ({ name, value })),
    ),
    creator: JSON.stringify(actor(ctx)),
  })
  const made = await ctx.database.prisma.$transaction(async (db) => {
    const version = await writeIn<DeploymentVersion>(db, versions, row, {
      actor: actor(ctx),
      addresses: input.addresses,
      annotations: input.annotations,
    })
    if (version === undefined) {
      const where = { deploymentId: deployment.id, heldLabel: label }
      const other = await db.deploymentVersion.findFirst({ where })
      throw new Conflict(
        'label',
        `The deployment has a version "${label}" already.`,
        other === null ? undefined : VersionId.text(other.id),
      )
    }
    await tellOfVersion(ctx, db, version, 'createDeploymentVersion', 'VERSION_CREATED')
    const upload = await newUpload(ctx, db, {
      organizationId,
      name: `${deployment.handle}-${label}`,
      versionId: id,
    })
    return { version, upload }
  })
  hint(ctx, deployments, deployment, { action: 'createDeploymentVersion' })
  return made
}

/** Deletes a version that nothing runs. */
export async function deleteDeploymentVersion(
  ctx: Context,
  { id }: { id: string },
): Promise<DeploymentVersion> {
  const version = await versions.toChange(ctx, id)
  const deleted = await remove(ctx, versions, version, {
    where: Prisma.sql`AND NOT EXISTS (
      SELECT 1 FROM "Service" AS s
      WHERE (s."versionId" = t.id OR s."targetVersionId" = t.id) AND s."deletedAt" IS NULL)`,
    along: (db) => tellOfVersion(ctx, db, version, 'deleteDeploymentVersion', 'VERSION_DELETED'),
  })
  hint(
    ctx,
    deployments,
    { ...version, id: version.deploymentId },
    { action: 'deleteDeploymentVersion' },
  )
  if (deleted !== undefined) return deleted
  throw new WrongState('A service runs this version: delete or update it first.', 'IN_USE', [
    'UNUSED',
  ])
}

/** Tells the stream of a deployment, and the history, what is done to one of its versions. Throws NotFound. */
async function tellOfVersion(
  ctx: Context,
  db: Prisma.TransactionClient,
  { id, deploymentId, label }: DeploymentVersion,
  action: string,
  kind: 'VERSION_CREATED' | 'VERSION_DELETED',
): Promise<void> {
  const change = kind === 'VERSION_CREATED' ? { to: label } : { from: label }
  const events = [{ kind, changes: [{ field: 'version', ...change }] }]
  const told = await writeIn(db, deployments, changing(deployments, deploymentId, events, []), {
    actor: actor(ctx),
    action,
    events,
    subject: { kind: VersionId, id },
  })
  found(told, 'deployment', DeploymentId.text(deploymentId))
}
