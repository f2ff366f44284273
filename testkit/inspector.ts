import { once } from 'node:events'
import { WebSocket } from 'ws'
import { z } from 'zod'
import type { TestServer } from './server.ts'
import { until } from './until.ts'

/** The settings of a server whose process can be looked into. */
export const inspectable = { NODE_OPTIONS: '--inspect=127.0.0.1:0' }

/** What is alive in a process, garbage not counted. */
interface Alive {
  readonly heapBytes: number
  /** Function objects: every listener, timer and waiting caller is one. */
  readonly functions: number
  /** Promises: every wait that has not ended is one. */
  readonly promises: number
  /** Sockets, timers and whatever else keeps the event loop going. */
  readonly resources: number
}

export interface Inspector {
  alive(): Promise<Alive>
  close(): void
}

/** Looks into a server that was started with `inspectable`, by the protocol of Node's own inspector. */
export async function inspect(server: TestServer): Promise<Inspector> {
  const address = /Debugger listening on (ws:\S+)/
  await until(() => address.test(server.output))
  const socket = new WebSocket(address.exec(server.output)?.[1] ?? '')
  await once(socket, 'open')
  let id = 0
  async function call(method: string, params: object = {}): Promise<unknown> {
    const mine = (id += 1)
    const answer = new Promise<unknown>((resolve, reject) => {
      const heard = (data: Buffer): void => {
        const message = Message.parse(JSON.parse(data.toString()))
        if (message.id !== mine) return
        socket.off('message', heard)
        if (message.error === undefined) resolve(message.result)
        else reject(new Error(`${method}: ${message.error.message}`))
      }
      socket.on('message', heard)
    })
    socket.send(JSON.stringify({ id: mine, method, params }))
    return answer
  }
  const evaluate = async (expression: string): Promise<number> =>
    Number(Value.parse(await call('Runtime.evaluate', { expression })).result.value)
  async function instances(type: string): Promise<number> {
    const params = { expression: `${type}.prototype`, objectGroup: 'count' }
    const { result } = Value.parse(await call('Runtime.evaluate', params))
    const { objects } = Objects.parse(
      await call('Runtime.queryObjects', {
        prototypeObjectId: result.objectId,
        objectGroup: 'count',
      }),
    )
    const counted = await call('Runtime.callFunctionOn', {
      objectId: objects.objectId,
      functionDeclaration: 'function () { return this.length }',
    })
    await call('Runtime.releaseObjectGroup', { objectGroup: 'count' })
    return Number(Value.parse(counted).result.value)
  }
  return {
    async alive() {
      const functions = await instances('Function')
      const promises = await instances('Promise')
      // what the first collection finalizes, the next ones free
      for (let round = 0; round < 4; round += 1) await call('HeapProfiler.collectGarbage')
      return {
        functions,
        promises,
        heapBytes: await evaluate('process.memoryUsage().heapUsed'),
        resources: await evaluate('process.getActiveResourcesInfo().length'),
      }
    },
    close: () => socket.terminate(),
  }
}

const Message = z.object({
  id: z.number().optional(),
  result: z.unknown(),
  error: z.object({ message: z.string() }).optional(),
})
const Value = z.object({
  result: z.object({ value: z.unknown().optional(), objectId: z.string().optional() }),
})
const Objects = z.object({ objects: z.object({ objectId: z.string() }) })
