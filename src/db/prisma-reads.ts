import type { PrismaClient } from '../generated/prisma/client.ts'
import type { ErrorCode } from '../kit/errors.ts'
import { tooLarge, type Operation } from '../kit/operation.ts'
import { sizeOf } from '../kit/json/size-of.ts'

const TOO_COMPLEX: ErrorCode = 'TOO_COMPLEX'

/** What reads rows; the compiler knows of others. */
type Read = Extract<keyof PrismaClient['service'], `find${string}`>
const READS = {
  findMany: true,
  findFirst: true,
  findFirstOrThrow: true,
  findUnique: true,
  findUniqueOrThrow: true,
} satisfies Record<Read, true>

/** Prisma makes an error of its own of the one that bounds a statement, with the same code. */
const isTooLarge = (cause: unknown): boolean =>
  cause instanceof Error && 'code' in cause && cause.code === TOO_COMPLEX

type Method = (this: object, ...args: unknown[]) => unknown

/**
 * Prisma as one operation reads with it. Prisma says not for whom a statement runs, so each is bounded by itself
 * (`watch.ts`), and what it has read is counted when it is there.
 */
export function readsWithin(prisma: PrismaClient, operation: Operation): PrismaClient {
  const models = new Map<object, object>()
  const counted = (model: object): object => {
    const known = models.get(model)
    if (known !== undefined) return known
    const proxy = new Proxy(model, {
      get(target, name) {
        const method: unknown = Reflect.get(target, name)
        if (typeof name !== 'string' || !Object.hasOwn(READS, name)) return method
        return async (...args: unknown[]) => {
          operation.check()
          const reading = Reflect.apply(method as Method, target, args) as Promise<unknown>
          const rows = await reading.catch((cause: unknown) => {
            if (!isTooLarge(cause)) throw cause
            const why = tooLarge(operation.maxBytes)
            operation.end(why)
            throw why
          })
          operation.take(sizeOf(rows))
          return rows
        }
      },
    })
    models.set(model, proxy)
    return proxy
  }
  return new Proxy(prisma, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      const isModel = typeof value === 'object' && value !== null && 'findMany' in value
      return isModel ? counted(value) : value
    },
  })
}
