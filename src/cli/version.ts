import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import {
  CliCreateVersionDocument,
  CliDeleteVersionDocument,
  CliFindVersionDocument,
  type CliCreateVersionMutation,
  type CliVersionFragment,
} from '../generated/operations/graphql.ts'
import { done, refused, send, unreachable, type ServerAccess } from './api.ts'
import { note } from './output.ts'
import type { PackedFolder } from './pack.ts'
import type { ProgramChoice } from './program-of.ts'
import { Refusal } from './refusal.ts'

type Version = CliVersionFragment

interface VersionPlan {
  readonly deploymentId: string
  /** Unset: made from the content. */
  readonly label: string | undefined
  readonly program: ProgramChoice
  readonly packed: PackedFolder
}

/**
 * The version of a packed folder: the one that is there already when it is the same, else a new one whose archive is
 * sent. One that never got its archive, because its maker was cut off, is made again.
 */
export async function provideVersion(
  server: ServerAccess,
  plan: VersionPlan,
): Promise<{ version: Version; isReused: boolean }> {
  const { deploymentId, program, packed } = plan
  const label = plan.label ?? labelOf(packed, program)
  const create = async (): Promise<CliCreateVersionMutation['createDeploymentVersion']> => {
    const input = { deploymentId, label, ...program }
    return (await send(server, CliCreateVersionDocument, { input })).createDeploymentVersion
  }
  let outcome = await create()
  if ('existing' in outcome) {
    const { existing } = outcome
    if (existing === null || !isVersion(existing)) throw refused(outcome)
    if (existing.status === 'READY') return { version: same(existing, plan), isReused: true }
    const input = { id: existing.id }
    done((await send(server, CliDeleteVersionDocument, { input })).deleteDeploymentVersion)
    outcome = await create()
  }
  const { version, upload } = done(outcome)
  note(`Uploading ${packed.sizeBytes} bytes as version ${version.label} …`)
  await sendArchive(server, version, upload, packed)
  const { deploymentVersion } = await send(server, CliFindVersionDocument, { id: version.id })
  return { version: deploymentVersion ?? version, isReused: false }
}

const isVersion = (existing: object): existing is Version => 'label' in existing

/** Short, and another one when the same code is to be run in another way. */
function labelOf({ sha256 }: PackedFolder, program: ProgramChoice): string {
  const digest = sha256.slice(0, 12)
  const { image = '', handler = 'main:handler', command } = program
  const isUsual = command === undefined && handler === 'main:handler'
  if (isUsual) return digest
  const way = JSON.stringify([image, command ?? handler])
  return `${digest}-${createHash('sha256').update(way).digest('hex').slice(0, 4)}`
}

/** The version when it holds this content, run in this way. */
function same(version: Version, { packed, program }: VersionPlan): Version {
  const { label, archive, image, handler, command } = version
  const isSame =
    archive?.sha256 === packed.sha256 &&
    (program.image ?? image) === image &&
    (program.command ?? null) === command &&
    (program.handler ?? (command === null ? 'main:handler' : null)) === handler
  if (isSame) return version
  throw new Refusal(
    `Version ${label} already exists with other content or another way to run it. Use another --version, or leave it out.`,
  )
}

interface UploadTarget {
  /** Null for whoever may not send anything there. */
  readonly url: string | null
  readonly method: string
  readonly headers: readonly { readonly name: string; readonly value: string }[] | null
}

async function sendArchive(
  server: ServerAccess,
  version: Version,
  { url, method, headers }: UploadTarget,
  { file, sizeBytes }: PackedFolder,
): Promise<void> {
  if (url === null || headers === null)
    throw new Refusal('Uploading archives requires the role DEVELOPER.')
  const { request } = await import('undici')
  const response = await request(url, {
    method: method === 'POST' ? 'POST' : 'PUT',
    headers: {
      'content-type': 'application/gzip',
      'content-length': String(sizeBytes),
      ...Object.fromEntries(headers.map(({ name, value }) => [name, value])),
    },
    body: createReadStream(file),
    headersTimeout: 0,
    bodyTimeout: 0,
  }).catch(() => {
    throw unreachable(server)
  })
  const said = detailIn(await response.body.text())
  if (response.statusCode < 300) return
  const { deploymentVersion } = await send(server, CliFindVersionDocument, { id: version.id })
  const why = deploymentVersion?.rejection ?? `status ${response.statusCode}: ${said}`
  throw new Refusal(`The archive was refused: ${why}`)
}

/** What problem details say to people; of any other answer all. */
function detailIn(text: string): string {
  try {
    const { detail } = JSON.parse(text) as { detail?: unknown }
    return typeof detail === 'string' ? detail : text
  } catch {
    return text // a proxy's, for example
  }
}
