import type { LogUrlQueryVariables } from '../../testkit/generated/graphql.ts'
import { LogUrl } from '../../testkit/operations/streams.ts'
import type { StreamApp } from '../../testkit/stream-app.ts'
import { sweepOnce } from '../../src/streams/retention.ts'

export type Asked = Omit<LogUrlQueryVariables, 'id'>

/** The URL of the log of a service or job. */
export async function urlOf({ admin }: StreamApp, id: string, asked: Asked = {}): Promise<string> {
  const { node } = await admin.request(LogUrl, { id, ...asked })
  if (node === null || !('logDownloadUrl' in node)) throw new Error(`${id} has no log`)
  return node.logDownloadUrl
}

/** An answer, with what tests look at. */
export async function fetched(url: string, headers: Record<string, string> = {}, method = 'GET') {
  const response = await fetch(url, { method, headers })
  const { status } = response
  return {
    status,
    text: await response.text(),
    etag: response.headers.get('etag') ?? '',
    length: response.headers.get('content-length'),
    range: response.headers.get('content-range'),
    type: response.headers.get('content-type'),
    file: response.headers.get('content-disposition'),
  }
}

/** Removes all but so many lines of each log, and those that are older. */
export const keep = (
  { database }: StreamApp,
  logRetentionLines: number,
  logRetentionMs = 0,
): Promise<void> =>
  sweepOnce(database, {
    logRetentionLines,
    logRetentionMs,
    eventRetentionMs: 0,
    trafficRetentionMs: 0,
  })
