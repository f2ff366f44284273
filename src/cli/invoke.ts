import { createReadStream, createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { extname } from 'node:path'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import type { Command } from 'commander'
import { authorization, unreachable } from './api.ts'
import { isJson, serverOf, talking } from './command.ts'
import { isGiven } from './given.ts'
import { answer, note } from './output.ts'
import { codeOf, Refusal, unwritable } from './refusal.ts'
import { findService, withProcesses } from './service.ts'
import { visibleBytes } from './visible.ts'

interface InvokeOptions {
  readonly data?: string
  readonly file?: string
  readonly contentType?: string
  readonly output?: string
}

interface Body {
  readonly bytes: string | Readable
  readonly type: string
  readonly sizeBytes?: number
}

const JSON_TYPE = 'application/json'
const TEXT_TYPE = 'text/plain'
const TYPES: Readonly<Record<string, string>> = {
  '.csv': 'text/csv',
  '.gif': 'image/gif',
  '.html': 'text/html',
  '.jpeg': 'image/jpeg',
  '.jpg': 'image/jpeg',
  '.json': JSON_TYPE,
  '.md': 'text/markdown',
  '.mp3': 'audio/mpeg',
  '.mp4': 'video/mp4',
  '.pdf': 'application/pdf',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.tif': 'image/tiff',
  '.tiff': 'image/tiff',
  '.txt': TEXT_TYPE,
  '.wav': 'audio/wav',
  '.webp': 'image/webp',
  '.xml': 'application/xml',
  '.zip': 'application/zip',
}
const BYTES = 'application/octet-stream'

/** `invoke`: calls a service by plain HTTP, streamed both ways. */
export function addInvoke(program: Command): void {
  talking(program.command('invoke'))
    .description(
      'call a service and print its response; without --data or --file, stdin is the body of the request',
    )
    .argument('<service>', 'ID or handle of the service')
    .option('--data <text>', 'text to send as the body')
    .option('--file <file>', 'file to send as the body')
    .option(
      '--content-type <type>',
      'content type of the body (default: chosen by the data or the file)',
    )
    .option('--output <file>', 'file to write the response to')
    .action(async (name: string, options: InvokeOptions, command: Command) => {
      const server = serverOf(command)
      if (options.data !== undefined && options.file !== undefined)
        command.error('error: use --data or --file, not both', { exitCode: 2 })
      const body = await bodyOf(options)
      const { invokeUrl, handle } = withProcesses(await findService(server, name, 'VIEWER'))
      const { request } = await import('undici')
      const response = await request(invokeUrl, {
        method: body === undefined ? 'GET' : 'POST',
        headers: {
          ...authorization(server),
          ...(body === undefined ? {} : { 'content-type': options.contentType ?? body.type }),
          ...(body?.sizeBytes === undefined ? {} : { 'content-length': String(body.sizeBytes) }),
        },
        body: body?.bytes,
        headersTimeout: 0,
        bodyTimeout: 0,
      }).catch(() => {
        throw unreachable(server)
      })
      const { statusCode, headers } = response
      if (statusCode < 200 || statusCode > 299)
        throw new Refusal(
          `${handle} returned status ${statusCode}.\n${await response.body.text()}${statusCode < 500 ? '' : `\nIts log may have the reason: npx millrace logs ${handle}`}`,
        )
      const type = String(headers['content-type'] ?? BYTES)
      if (options.output !== undefined) {
        const file = createWriteStream(options.output)
        await pipeline(response.body, file).catch((error: unknown) => {
          throw file.errored === error ? unwritable(options.output!, error) : error
        })
        if (isJson(command))
          answer(true, { status: statusCode, contentType: type, output: options.output }, String)
        else note(`The response (${type}) is in ${options.output}.`)
      } else if (isJson(command)) {
        const content = contentOf(type, await buffer(response.body))
        answer(true, { status: statusCode, contentType: type, ...content }, String)
      } else {
        const { stdout } = process
        if (stdout.isTTY) {
          await pipeline(response.body, visibleBytes, stdout, { end: false })
          note('')
        } else await pipeline(response.body, stdout, { end: false })
      }
    })
}

/** What to send, or nothing at all when nobody gives anything. */
async function bodyOf({ data, file }: InvokeOptions): Promise<Body | undefined> {
  if (data !== undefined) return { bytes: data, type: isJsonText(data) ? JSON_TYPE : TEXT_TYPE }
  if (file !== undefined) {
    const found = await stat(file).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') throw new Refusal(`The file ${file} does not exist.`)
      throw error
    })
    if (!found.isFile()) throw new Refusal(`${file} is not a file.`)
    const type = TYPES[extname(file).toLowerCase()] ?? BYTES
    return { bytes: createReadStream(file), type, sizeBytes: found.size }
  }
  return isGiven() ? { bytes: process.stdin, type: BYTES } : undefined
}

function isJsonText(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** An answer inside JSON: as JSON, as text, or as base64 where it is neither. */
function contentOf(type: string, bytes: Buffer): { body: unknown } | { bodyBase64: string } {
  const text = bytes.toString('utf8')
  if (/^application\/(.+\+)?json\b/.test(type) && isJsonText(text))
    return { body: JSON.parse(text) }
  return Buffer.from(text).equals(bytes) ? { body: text } : { bodyBase64: bytes.toString('base64') }
}
