import type { Readable } from 'node:stream'
import { stringify } from '../kit/json.ts'

/** What a front answers. */
export interface Reply {
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
