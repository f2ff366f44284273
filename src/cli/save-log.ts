import { createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { note } from './output.ts'
import { codeOf, reasonOf, Refusal, unwritable } from './refusal.ts'

/**
 * Writes what is at the URL of a log into a file. A download that is cut goes on where it was, as long as each try
 * brings something.
 */
export async function saveLog(url: string, file: string): Promise<void> {
  let etag: string | null = null
  for (;;) {
    const had: number = etag === null ? 0 : (await stat(file)).size
    const response = await fetched(url, etag === null ? {} : rest(etag, had))
    if (response === 'whole') return
    etag = response.headers.get('etag')
    const isRest = response.status === 206
    const target = createWriteStream(file, { flags: isRest ? 'a' : 'w' })
    try {
      // the body of an answer that is fetched is a stream of bytes
      await pipeline(Readable.fromWeb(response.body as never), target)
      return
    } catch (cause) {
      if (target.errored !== null && codeOf(target.errored)?.startsWith('E') === true)
        throw unwritable(file, target.errored)
      const { size } = await stat(file)
      if (etag === null || size <= (isRest ? had : 0))
        throw new Refusal(`The download was cut: ${reasonOf(cause)}.`, { cause })
      note(`The download was cut after ${size} bytes; it goes on.`)
    }
  }
}

const rest = (etag: string, had: number): Record<string, string> => ({
  range: `bytes=${had}-`,
  'if-range': etag,
})

/** The answer; `whole` where nothing is left to fetch. Throws a Refusal. */
async function fetched(url: string, headers: Record<string, string>): Promise<Response | 'whole'> {
  const response = await fetch(url, { headers }).catch((cause: unknown) => {
    throw new Refusal(`The log cannot be fetched: ${reasonOf(cause)}.`, { cause })
  })
  if (response.ok) return response
  if (response.status === 416) return 'whole'
  const { detail } = (await response.json().catch(() => ({}))) as { detail?: string } // a problem, of ours
  throw new Refusal(detail ?? `The log cannot be fetched: status ${response.status}.`)
}
