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
  description: 'State of the archive of a version.',
  values: {
    [VersionStatus.AWAITING_ARCHIVE]: { description: 'No archive was sent yet.' },
    [VersionStatus.CHECKING]: { description: 'The archive was received and is being checked.' },
    [VersionStatus.READY]: {
      description: 'The archive was accepted. The version can run, and its archive never changes.',
    },
    [VersionStatus.REJECTED]: {
      description: 'The archive was refused, or was lost during the check. Send another one.',
    },
  } as const,
})

const ArchiveType = builder.objectRef<DeploymentVersion>('Archive').implement({
  description: 'The archive of a version, stored unchanged.',
  fields: (t) => ({
    sizeBytes: t.field({
      type: 'SafeInt',
      description: 'Size of the archive in bytes.',
      resolve: (v) => v.archiveSizeBytes ?? 0,
    }),
    sha256: t.string({
      description: 'SHA-256 digest of the archive, in lower-case hexadecimal.',
      resolve: (v) => v.archiveSha256 ?? '',
    }),
    leftOut: t.stringList({
      description:
        'Files of the archive that the server does not unpack, because macOS adds them to archives automatically: `.DS_Store`, `__MACOSX` and AppleDouble files `._…`. The first 100.',
      resolve: (v) => v.archiveLeftOut,
    }),
    uploadedAt: t.field({
      type: 'DateTime',
      description: 'Time at which the archive was received.',
      resolve: (v) => v.uploadedAt ?? v.createdAt,
    }),
    downloadUrl: t.string({
      description:
        'Signed URL that returns the archive, valid for an hour. Anyone who has the URL can download, so keep it secret; no credential is needed. The URL supports HEAD and Range requests, and its ETag is the SHA-256 digest.',
      resolve: (v, _args, ctx) => archiveUrl(ctx, v),
    }),
  }),
})

export const VersionType = builder.prismaObject('DeploymentVersion', {
  description: 'An immutable version of the code of a deployment, with the way to run it.',
  interfaces: [NodeInterface, AddressableInterface],
  fields: (t) => ({
    id: t.id({ description: 'ID of the version.', resolve: ({ id }) => VersionId.text(id) }),
    deployment: t.relation('deployment', {
      description: 'Deployment that the version belongs to.',
    }),
    label: t.exposeString('label', {
      description: 'Label of the version, unique in the deployment, such as `1.0.0`.',
    }),
    image: t.exposeString('image', {
      description:
        'Image that runs the version: names that start with `node` run a Node.js module, all others run Python.',
    }),
    handler: t.exposeString('handler', {
      nullable: true,
      description:
        'Module and function that handle requests, such as `main:handler`. Null for a version with a command.',
    }),
    command: t.exposeString('command', {
      nullable: true,
      description:
        'Shell command that starts a program listening on the port in $PORT. Null for a version with a handler.',
    }),
    parameters: t.field({
      type: [NameValueType],
      description: 'Environment variables of this version.',
      // the column holds what createDeploymentVersion put there
      resolve: ({ parameters }) => parameters as { name: string; value: string }[],
    }),
    status: t.field({
      type: VersionStatusType,
      description: 'State of the archive.',
      resolve: ({ status }) => status,
    }),
    rejection: t.exposeString('rejection', {
      nullable: true,
      description: 'Why the archive was refused, or why its check was abandoned. Null otherwise.',
    }),
    archive: t.field({
      type: ArchiveType,
      nullable: true,
      description:
        'The accepted archive. Null before there is one, and for callers without the VIEWER role.',
      resolve: (version, _args, ctx) =>
        version.archiveSha256 !== null && mayFetch(ctx, version) ? version : null,
    }),
    creator: t.field({
      type: ActorType,
      description: 'Actor who created the version.',
      resolve: ({ creator }) => creator as unknown as Actor, // the column holds an Actor
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'Time of creation.' }),
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
  description: 'Code to run as services, in versions.',
  interfaces: [NodeInterface, AddressableInterface, LiveInterface],
  fields: (t) => ({
    id: t.id({ description: 'ID of the deployment.', resolve: ({ id }) => DeploymentId.text(id) }),
    name: t.exposeString('name', { description: 'Name for people. It need not be unique.' }),
    handle: t.exposeString('handle', {
      description: 'Short name for URLs and commands, unique in the organization.',
    }),
    description: t.exposeString('description', { description: 'Description for people.' }),
    environment: t.field({
      type: [EnvironmentVariableType],
      description: 'Environment variables of every service of the deployment.',
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
      description: 'Actor who created the deployment.',
      ...deploymentFields.from(
        ['creator'],
        ({ creator }) => creator as unknown as Actor, // the column holds an Actor
      ),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'Time of creation.' }),
    updatedAt: t.expose('updatedAt', {
      type: 'DateTime',
      description: 'Time of the last change.',
    }),
  }),
})
export const DeploymentConnection = connectionOf<PartialDeployment>(
  'Deployment',
  DeploymentType,
  'deployments',
)

isFollowed(
  deployments,
  DeploymentType,
  'Publishes the changes of a deployment: updates, versions, deletion. Completes when the deployment is deleted.',
  {
    VERSION_CREATED: { description: 'A version was created.' },
    VERSION_CHECKING: { description: 'The archive of a version arrived and is being checked.' },
    VERSION_READY: { description: 'The archive of a version passed its check.' },
    VERSION_REJECTED: { description: 'The archive of a version was refused.' },
    VERSION_DELETED: { description: 'A version was deleted.' },
  },
)
addressable(DeploymentType, deployments)
addressable(VersionType, versions)
hasStates('DeploymentVersion', versionMoves)
