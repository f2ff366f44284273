import type { Readable } from 'node:stream'
import type { CallAnswer } from '../kit/http/call.ts'
import { stringify } from '../kit/json/json.ts'

/** What a front answers; that of a service as the service has given it. */
export interface Reply extends Pick<CallAnswer, 'trailers' | 'socket'> {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[]>>
  readonly body: string | Readable
}

export const JSON_TYPE = 'application/json; charset=utf-8'

/** A JSON document; users' JSON in it stands as it came. */
export const json = (
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): Reply => ({
  status,
  headers: { 'content-type': JSON_TYPE, ...headers },
  body: stringify(value),
})
