import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'
import { names } from './etag.ts'

const FILE = new URL('../../python/millrace.py', import.meta.url)

/** `/millrace.py`: the Python worker, for everybody; it is no secret, and works with servers of this version. */
export async function python(http: FastifyInstance): Promise<void> {
  const text = await readFile(FILE, 'utf8')
  const etag = `"${createHash('sha256').update(text).digest('base64url')}"`
  http.get('/millrace.py', (request, reply) => {
    reply.headers({ etag, 'cache-control': 'no-cache' })
    return names(request.headers['if-none-match'] ?? '', etag)
      ? reply.code(304).send()
      : reply.type('text/x-python; charset=utf-8').send(text)
  })
}
