import type { Deployment, DeploymentVersion } from '../generated/prisma/client.ts'
import { idKind } from '../kit/ids.ts'
import { machine } from '../kit/machine.ts'
import { kindOf } from '../kinds/index.ts'

export const DeploymentId = idKind('dep')
export const VersionId = idKind('ver')

export const deployments = kindOf<Deployment>({
  kind: DeploymentId,
  noun: 'deployment',
  table: 'Deployment',
  type: 'Deployment',
  within: ['organization'],
  closedBy: 'deletedAt',
  search: {
    names: ['name', 'heldHandle'],
    title: ({ name }) => name,
    detail: ({ handle }) => handle,
  },
})

export const versions = kindOf<DeploymentVersion>({
  kind: VersionId,
  noun: 'deployment version',
  table: 'DeploymentVersion',
  type: 'DeploymentVersion',
  within: ['organization', 'deployment'],
  held: ['heldLabel'],
  search: {
    names: ['label'],
    title: ({ label }) => label,
    detail: async ({ deploymentId, status }, ctx) =>
      `${(await deployments.byId(ctx, deploymentId))?.handle ?? ''}, ${status}`,
  },
})

/**
 * The life of a version's archive. It is checked while its sender waits; a check that a crash cut short is taken over
 * by the next server that can, and ends in REJECTED where the bytes are gone: then the archive is sent again. Several may be checked at once: the first that passes is the version's for good,
 * also when another was refused meanwhile. Nothing leads on from READY.
 */
export const versionMoves = machine({
  AWAITING_ARCHIVE: { receive: 'CHECKING' },
  CHECKING: { receive: 'CHECKING', accept: 'READY', reject: 'REJECTED' },
  REJECTED: { receive: 'CHECKING', accept: 'READY', reject: 'REJECTED' },
  READY: {},
})

/** What runs when nothing is said: Python's shim and this handler. */
export const DEFAULT_IMAGE = 'python'
export const DEFAULT_HANDLER = 'main:handler'

/** Images whose name says Node.js run handlers in JavaScript; all others run Python's. */
export const isNodeImage = (image: string): boolean =>
  /^node(?:js)?(?:$|[:@\d-])/.test(image.split('/').at(-1) ?? '')
