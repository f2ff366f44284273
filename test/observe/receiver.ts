import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { z } from 'zod'

const Value = z.object({
  stringValue: z.string().optional(),
  intValue: z.union([z.number(), z.string()]).optional(),
  boolValue: z.boolean().optional(),
})
const Attributes = z
  .array(z.object({ key: z.string(), value: Value }))
  .transform((list) =>
    Object.fromEntries(
      list.map(({ key, value }) => [key, value.stringValue ?? value.intValue ?? value.boolValue]),
    ),
  )
const Sent = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: Attributes }),
      scopeSpans: z.array(
        z.object({
          spans: z.array(
            z.object({
              traceId: z.string(),
              spanId: z.string(),
              parentSpanId: z.string().optional(),
              name: z.string(),
              kind: z.number(),
              attributes: Attributes,
              status: z.object({ code: z.number().optional() }).optional(),
            }),
          ),
        }),
      ),
    }),
  ),
})

export type ReceivedSpan = z.output<
  typeof Sent
>['resourceSpans'][number]['scopeSpans'][number]['spans'][number] & {
  readonly service: unknown
}

/** A receiver of OTLP over HTTP, as JSON. */
export interface Receiver {
  /** Where traces are sent, without the path that the standard appends. */
  readonly url: string
  readonly spans: readonly ReceivedSpan[]
  /** Of the newest request. */
  readonly headers: Readonly<Record<string, unknown>>
  /** While it is set, everything is answered with this status. */
  refuseWith: number | undefined
  close(): Promise<void>
}

export async function receiver(): Promise<Receiver> {
  const spans: ReceivedSpan[] = []
  let headers: Record<string, unknown> = {}
  const answer = async (request: IncomingMessage): Promise<number> => {
    const body = await text(request)
    headers = request.headers
    if (self.refuseWith !== undefined) return self.refuseWith
    if (request.url !== '/v1/traces') return 404
    for (const { resource, scopeSpans } of Sent.parse(JSON.parse(body)).resourceSpans)
      for (const scope of scopeSpans)
        for (const span of scope.spans)
          spans.push({ ...span, service: resource.attributes['service.name'] })
    return 200
  }
  const server = createServer((request, response) => {
    answer(request).then(
      (status) => response.writeHead(status, { 'content-type': 'application/json' }).end('{}'),
      (cause: unknown) => response.writeHead(500).end(String(cause)),
    )
  })
  server.listen({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // a TCP server has one
  const self: Receiver = {
    url: `http://127.0.0.1:${port}`,
    spans,
    get headers() {
      return headers
    },
    refuseWith: undefined,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return self
}
