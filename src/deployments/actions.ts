import {
  annotationChanges,
  keepAddresses,
  keepAnnotations,
  readAddresses,
  type AnnotationInput,
} from '../addresses/index.ts'
import { allow, found, organizationFor } from '../auth/viewer.ts'
import { actor, type Context } from '../context.ts'
import type { Deployment, DeploymentVersion, Upload } from '../generated/prisma/client.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { Conflict, WrongState } from '../kit/errors.ts'
import {
  variableChanges,
  withVariables,
  type Variable,
  type VariableInput,
} from '../kit/environment.ts'
import { firstFree, slug } from '../kit/names.ts'
import { organizationNamed } from '../organizations/index.ts'
import { recorded } from '../streams/index.ts'
import { newUpload } from '../uploads/index.ts'
import {
  DEFAULT_HANDLER,
  DEFAULT_IMAGE,
  DeploymentId,
  deploymentNaming,
  VersionId,
  versionNaming,
} from './deployment.ts'
import { deploymentNamed, hintDeployment, tellDeployment, versionNamed } from './store.ts'

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
  const organizationId = organizationFor(
    ctx.viewer,
    'DEVELOPER',
    await organizationNamed(ctx, input.organizationId),
  )
  const addresses = readAddresses(input.addresses)
  const id = DeploymentId.make()
  const environment = JSON.stringify(withVariables([], input.environment))
  const creator = JSON.stringify(actor(ctx))
  const insert = (handle: string): Prisma.Sql =>
    recorded(
      Prisma.sql`
        INSERT INTO "Deployment" (id, "organizationId", handle, "heldHandle", name, description, environment, creator)
        VALUES (${id}::uuid, ${organizationId}::uuid, ${handle}, ${handle}, ${input.name}, ${input.description ?? ''},
                ${environment}::jsonb, ${creator}::jsonb)
        ON CONFLICT ("organizationId", "heldHandle") DO NOTHING RETURNING *`,
      {
        actor: actor(ctx),
        events: [{ kind: 'CREATED', changes: [{ field: 'name', to: input.name }] }],
        act: { action: 'createDeployment', noun: 'dep' },
      },
    )
  const made = await ctx.database.prisma.$transaction(async (db) => {
    const deployment = await firstFree(slug(input.name), input.handle, async (handle) => {
      const [row] = await db.$queryRaw<Deployment[]>(insert(handle))
      return row
    })
    if (deployment === undefined) {
      const handle = input.handle ?? slug(input.name)
      const other = await db.deployment.findFirst({ where: { organizationId, heldHandle: handle } })
      throw new Conflict(
        'handle',
        `There is a deployment "${handle}" already.`,
        other === null ? undefined : DeploymentId.text(other.id),
      )
    }
    await keepAddresses(db, deploymentNaming, organizationId, id, addresses)
    await keepAnnotations(db, id, input.annotations)
    return deployment
  })
  hintDeployment(ctx, made)
  return made
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
  const old = found(await deploymentNamed(ctx, input.id), 'deployment', input.id)
  allow(ctx.viewer, 'DEVELOPER', old.organizationId)
  const name = input.name ?? old.name
  const description = input.description ?? old.description
  const before = old.environment as unknown as Variable[] // the column holds what withVariables made
  const environment = withVariables(input.clearEnvironment ? [] : before, input.environment)
  const changes = [
    ...(name === old.name ? [] : [{ field: 'name', from: old.name, to: name }]),
    ...(description === old.description
      ? []
      : [{ field: 'description', from: old.description, to: description }]),
    ...variableChanges(before, environment),
    ...annotationChanges(input.annotations),
  ]
  const updated = await ctx.database.prisma.$transaction(async (db) => {
    await keepAnnotations(db, old.id, input.annotations)
    if (changes.length === 0) return old
    const [row] = await db.$queryRaw<Deployment[]>(
      tellDeployment(ctx, old.id, [{ kind: 'UPDATED', changes }], 'updateDeployment', {
        set: Prisma.sql`, name = ${name}, description = ${description}, environment = ${JSON.stringify(environment)}::jsonb`,
      }),
    )
    return found(row, 'deployment', input.id)
  })
  hintDeployment(ctx, updated)
  return updated
}

/** Deletes a deployment that has no services; its versions and routes go with it. */
export async function deleteDeployment(ctx: Context, { id }: { id: string }): Promise<Deployment> {
  const deployment = found(await deploymentNamed(ctx, id), 'deployment', id)
  allow(ctx.viewer, 'DEVELOPER', deployment.organizationId)
  const row = await ctx.database.prisma.$transaction(async (db) => {
    const [deleted] = await db.$queryRaw<Deployment[]>(
      tellDeployment(ctx, deployment.id, [{ kind: 'DELETED' }], 'deleteDeployment', {
        set: Prisma.sql`, "deletedAt" = clock_timestamp(), "heldHandle" = NULL`,
        where: Prisma.sql`AND NOT EXISTS (SELECT 1 FROM "Service" AS s WHERE s."deploymentId" = t.id AND s."deletedAt" IS NULL)`,
      }),
    )
    if (deleted === undefined) return undefined
    await db.deploymentVersion.updateMany({
      where: { deploymentId: deployment.id, deletedAt: null },
      data: { deletedAt: deleted.deletedAt, heldLabel: null },
    })
    // they lead nowhere by now, and their names are its own
    await db.route.updateMany({
      where: { deploymentId: deployment.id, deletedAt: null },
      data: { deletedAt: deleted.deletedAt, heldHandle: null, heldName: null },
    })
    return deleted
  })
  if (row === undefined) {
    const services = await ctx.database.prisma.service.count({
      where: { deploymentId: deployment.id, deletedAt: null },
    })
    if (services === 0) found(null, 'deployment', id)
    throw new WrongState(
      `The deployment still has ${services} ${services === 1 ? 'service' : 'services'}: delete them first.`,
      'IN_USE',
      ['UNUSED'],
    )
  }
  hintDeployment(ctx, row)
  return row
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
  const deployment = found(
    await deploymentNamed(ctx, input.deploymentId),
    'deployment',
    input.deploymentId,
  )
  const { organizationId } = deployment
  allow(ctx.viewer, 'DEVELOPER', organizationId)
  const addresses = readAddresses(input.addresses)
  const id = VersionId.make()
  const { label } = input
  const made = await ctx.database.prisma.$transaction(async (db) => {
    const { count } = await db.deploymentVersion.createMany({
      data: [
        {
          id,
          organizationId,
          deploymentId: deployment.id,
          label,
          heldLabel: label,
          image: input.image ?? DEFAULT_IMAGE,
          handler: input.command ? null : (input.handler ?? DEFAULT_HANDLER),
          command: input.command ?? null,
          parameters: (input.parameters ?? []).map(({ name, value }) => ({ name, value })),
          creator: { ...actor(ctx) },
        },
      ],
      skipDuplicates: true,
    })
    if (count === 0) {
      const where = { deploymentId: deployment.id, heldLabel: label }
      const other = await db.deploymentVersion.findFirst({ where })
      throw new Conflict(
        'label',
        `The deployment has a version "${label}" already.`,
        other === null ? undefined : VersionId.text(other.id),
      )
    }
    await keepAddresses(db, versionNaming, organizationId, id, addresses)
    await keepAnnotations(db, id, input.annotations)
    const events = [{ kind: 'VERSION_CREATED', changes: [{ field: 'version', to: label }] }]
    const told = await db.$queryRaw<Deployment[]>(
      tellDeployment(ctx, deployment.id, events, 'createDeploymentVersion', {
        subject: `ver:${id}`,
      }),
    )
    found(told[0], 'deployment', input.deploymentId)
    const upload = await newUpload(ctx, db, {
      organizationId,
      name: `${deployment.handle}-${label}`,
      versionId: id,
    })
    return { version: await db.deploymentVersion.findUniqueOrThrow({ where: { id } }), upload }
  })
  hintDeployment(ctx, deployment)
  return made
}

/** Deletes a version that nothing runs. */
export async function deleteDeploymentVersion(
  ctx: Context,
  { id }: { id: string },
): Promise<DeploymentVersion> {
  const version = found(await versionNamed(ctx, id), 'deployment version', id)
  allow(ctx.viewer, 'DEVELOPER', version.organizationId)
  const deleted = await ctx.database.prisma.$transaction(async (db) => {
    const { count } = await db.deploymentVersion.updateMany({
      where: {
        id: version.id,
        deletedAt: null,
        services: { none: { deletedAt: null } },
        arriving: { none: { deletedAt: null } },
      },
      data: { deletedAt: ctx.now(), heldLabel: null },
    })
    if (count === 0)
      throw new WrongState('A service runs this version: delete or update it first.', 'IN_USE', [
        'UNUSED',
      ])
    const events = [
      { kind: 'VERSION_DELETED', changes: [{ field: 'version', from: version.label }] },
    ]
    await db.$queryRaw(
      tellDeployment(ctx, version.deploymentId, events, 'deleteDeploymentVersion', {
        subject: `ver:${version.id}`,
      }),
    )
    return db.deploymentVersion.findUniqueOrThrow({ where: { id: version.id } })
  })
  hintDeployment(ctx, { id: version.deploymentId, organizationId: version.organizationId })
  return deleted
}
