import { idKind } from '../../kit/ids.ts'
import type { Asked } from '../route.ts'
import { titled } from './errors.ts'

/*
 * What paths name, as the schema takes it: addresses, which lead to nothing that TopChef has no word for. So built-in
 * services, services that are no queues, and their jobs are not there, with no look-up of ours.
 */

/** Characters that a UUID may be written with, with all that its parser leaves out. */
const MAX_UUID = 200

/** A UUID as it is written: in any way that Python's parser takes (contract 2). Undefined for what is none. */
function readUuid(text: string): string | undefined {
  if (text.length > MAX_UUID) return undefined
  const digits = text
    .replaceAll(/urn:|uuid:/g, '')
    .replaceAll(/^[{}]+|[{}]+$/g, '')
    .replaceAll('-', '')
  if (!/^[0-9a-f]{32}$/i.test(digits)) return undefined
  return digits.toLowerCase().replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

function uuidIn({ params }: Asked, name: string): string {
  const text = params[name] ?? ''
  const uuid = readUuid(text)
  if (uuid === undefined)
    throw titled('NOT_FOUND', 'Not UUID Error', `${JSON.stringify(text)} is no UUID.`)
  return uuid
}

export const SERVICE = '/services/:sid'
export const JOB = '/jobs/:jid'

const serviceUuid = (asked: Asked): string => uuidIn(asked, 'sid')
const jobUuid = (asked: Asked): string => uuidIn(asked, 'jid')
export const service = (asked: Asked): string => `topchef:${serviceUuid(asked)}`
export const job = (asked: Asked): string => `topchef:${jobUuid(asked)}`

/** The organization of new services: the caller's only one, or the oldest of several. */
export function organization({ ctx }: Asked): string | undefined {
  const [first] = ctx.viewer.memberships
  return first && idKind('org').text(first.organizationId)
}

export const noService = (asked: Asked) =>
  titled('NOT_FOUND', 'Service Not Found', `There is no service with id ${serviceUuid(asked)}.`)
export const noJob = (asked: Asked) =>
  titled('NOT_FOUND', 'Job Not Found', `There is no job with id ${jobUuid(asked)}.`)
