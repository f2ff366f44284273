import { naming } from '../addresses/index.ts'
import type { Database } from '../db/database.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { idKind } from '../kit/ids.ts'
import { machine } from '../kit/machine.ts'
import { eventStream, type StoredEvent, type StreamKind } from '../streams/index.ts'

export const DeploymentId = idKind('dep')
export const VersionId = idKind('ver')

export const deploymentNaming = naming({
  kind: DeploymentId,
  noun: 'deployment',
  table: 'Deployment',
  within: ['organization'],
})

export const versionNaming = naming({
  kind: VersionId,
  noun: 'deployment version',
  table: 'DeploymentVersion',
  within: ['organization', 'deployment'],
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

/** Where the event streams of deployments have their heads. */
export const deploymentHeads = Prisma.sql`
  SELECT id AS stream, revision AS head, "deletedAt" IS NOT NULL AS closed FROM "Deployment"`

export const deploymentEvents = (database: Database): StreamKind<StoredEvent> =>
  eventStream(database, 'deployment', deploymentHeads)

/** What runs when nothing is said: Python's shim and this handler. */
export const DEFAULT_IMAGE = 'python'
export const DEFAULT_HANDLER = 'main:handler'

/** Images whose name says Node.js run handlers in JavaScript; all others run Python's. */
export const isNodeImage = (image: string): boolean =>
  /^node(?:js)?(?:$|[:@\d-])/.test(image.split('/').at(-1) ?? '')
