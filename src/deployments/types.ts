import { addressable, AddressableInterface } from '../addresses/index.ts'
import { builder } from '../builder.ts'
import { isFollowed } from '../events/index.ts'
import { Prisma, VersionStatus, type DeploymentVersion } from '../generated/prisma/client.ts'
import { childPages } from '../graph/child-pages.ts'
import { connectionOf } from '../graph/connection.ts'
import { seenAs } from '../graph/columns.ts'
import { LiveInterface } from '../graph/live.ts'
import { hasStates } from '../graph/machine.ts'
import { NodeInterface } from '../graph/node.ts'
import { orderedArgs } from '../graph/order.ts'
import type { Actor } from '../kit/actor.ts'
import type { Variable } from '../kit/environment.ts'
import { ActorType } from '../organizations/index.ts'
import { NameValueType } from '../uploads/index.ts'
import { archiveUrl, mayFetch } from './archive.ts'
import { alwaysRead, deploymentFields, type PartialDeployment } from './columns.ts'
import { DeploymentId, deployments, VersionId, versionMoves, versions } from './deployment.ts'
import { EnvironmentVariableType } from './environment.ts'

const VersionStatusType = builder.enumType('VersionStatus', {
  description: "Life of a version's archive.",
  values: {
    [VersionStatus.AWAITING_ARCHIVE]: { description: 'Nothing was sent yet.' },
    [VersionStatus.CHECKING]: { description: 'It has arrived and is being looked at.' },
    [VersionStatus.READY]: { description: 'It can be run, and keeps this archive.' },
    [VersionStatus.REJECTED]: {
      description: 'It was refused, or lost while it was checked; send another.',
    },
  } as const,
})

const ArchiveType = builder.objectRef<DeploymentVersion>('Archive').implement({
  description: 'An uploaded archive, which a version keeps as it is.',
  fields: (t) => ({
    sizeBytes: t.field({
      type: 'SafeInt',
      description: 'Its size.',
      resolve: (v) => v.archiveSizeBytes ?? 0,
    }),
    sha256: t.string({
      description: 'SHA-256 in lower-case hexadecimal.',
      resolve: (v) => v.archiveSha256 ?? '',
    }),
    leftOut: t.stringList({
      description:
        'Files in it that are not unpacked, because macOS adds them by itself to whatever it packs: `.DS_Store`, `__MACOSX` and AppleDouble files `._…`; the first 100.',
      resolve: (v) => v.archiveLeftOut,
    }),
    uploadedAt: t.field({
      type: 'DateTime',
      description: 'When it had arrived.',
      resolve: (v) => v.uploadedAt ?? v.createdAt,
    }),
    downloadUrl: t.string({
      description:
        'Where to fetch the bytes, unchanged, for an hour. Signed: whoever has it may fetch, so keep it. No credential is needed with it. HEAD and ranges of bytes are answered too; the ETag is the SHA-256.',
      resolve: (v, _args, ctx) => archiveUrl(ctx, v),
    }),
  }),
})

export const VersionType = builder.prismaObject('DeploymentVersion', {
  description: 'One immutable version of the code and how to run it.',
  interfaces: [NodeInterface, AddressableInterface],
  fields: (t) => ({
    id: t.id({ description: 'Canonical id.', resolve: ({ id }) => VersionId.text(id) }),
    deployment: t.relation('deployment', { description: 'What it is a version of.' }),
    label: t.exposeString('label', { description: 'Unique in the deployment, such as "1.0.0".' }),
    image: t.exposeString('image', {
      description: 'What runs it: `node…` images a Node.js module, every other image Python.',
    }),
    handler: t.exposeString('handler', {
      nullable: true,
      description: 'Module and function, such as `main:handler`.',
    }),
    command: t.exposeString('command', {
      nullable: true,
      description: 'A command that listens on $PORT, instead of a handler.',
    }),
    parameters: t.field({
      type: [NameValueType],
      description: 'Variables that belong to this version.',
      // the column holds what createDeploymentVersion put there
      resolve: ({ parameters }) => parameters as { name: string; value: string }[],
    }),
    status: t.field({
      type: VersionStatusType,
      description: 'Life of its archive.',
      resolve: ({ status }) => status,
    }),
    rejection: t.exposeString('rejection', {
      nullable: true,
      description: 'Why the archive was refused, or its check given up.',
    }),
    archive: t.field({
      type: ArchiveType,
      nullable: true,
      description: 'The archive, once there is one that can be run; null below VIEWER.',
      resolve: (version, _args, ctx) =>
        version.archiveSha256 !== null && mayFetch(ctx, version) ? version : null,
    }),
    creator: t.field({
      type: ActorType,
      description: 'Who made it.',
      resolve: ({ creator }) => creator as unknown as Actor, // the column holds an Actor
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
  }),
})
const VersionConnection = connectionOf<DeploymentVersion>(
  'DeploymentVersion',
  VersionType,
  'versions',
)

const versionPages = childPages<DeploymentVersion>({
  from: Prisma.sql`"DeploymentVersion"`,
  parent: 'deploymentId',
  name: 'label',
  where: Prisma.sql`o."deletedAt" IS NULL`,
})

export const DeploymentType = builder.prismaObject('Deployment', {
  select: seenAs(alwaysRead),
  description: 'Code that can be served, version by version.',
  interfaces: [NodeInterface, AddressableInterface, LiveInterface],
  fields: (t) => ({
    id: t.id({ description: 'Canonical id.', resolve: ({ id }) => DeploymentId.text(id) }),
    name: t.exposeString('name', { description: 'For people; need not be unique.' }),
    handle: t.exposeString('handle', { description: 'Unique in the organization.' }),
    description: t.exposeString('description', { description: 'For people.' }),
    environment: t.field({
      type: [EnvironmentVariableType],
      description: 'Variables every service of it gets.',
      ...deploymentFields.from(['environment'], ({ id, organizationId, environment }) =>
        // the column holds what withVariables made
        (environment as unknown as Variable[]).map((variable) => ({
          ...variable,
          source: 'DEPLOYMENT' as const,
          organizationId,
          subject: `dep:${id}`,
        })),
      ),
    }),
    versions: t.field({
      type: VersionConnection,
      description: 'Versions of the deployment.',
      args: orderedArgs(t.arg),
      resolve: ({ id }, args, ctx) => versionPages(ctx, id, args),
    }),
    creator: t.field({
      type: ActorType,
      description: 'Who made it.',
      ...deploymentFields.from(
        ['creator'],
        ({ creator }) => creator as unknown as Actor, // the column holds an Actor
      ),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    updatedAt: t.expose('updatedAt', {
      type: 'DateTime',
      description: 'When it was last changed.',
    }),
  }),
})
export const DeploymentConnection = connectionOf<PartialDeployment>(
  'Deployment',
  DeploymentType,
  'deployments',
)

isFollowed(deployments, DeploymentType, 'A deployment: versions, rollouts, rollbacks.')
addressable(DeploymentType, deployments)
addressable(VersionType, versions)
hasStates('DeploymentVersion', versionMoves)
