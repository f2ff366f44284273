import { Redis } from 'ioredis'
import type { Logger } from '../../kit/logger.ts'
import { type Metrics, unmeasured } from '../metrics/metrics.ts'
import type { Bus } from './bus.ts'
import { busIsClosed, listenersOf } from './listeners.ts'

const PREFIX = 'millrace:'
/** Hints that Redis has not answered yet; a stalled connection must not fill the memory. */
const MAX_IN_FLIGHT = 10_000
/** Hints that one command carries. */
const MAX_TOGETHER = 500
const MAX_RETRY_DELAY_MS = 2_000

/**
 * A Bus for many servers, by Redis' PUBLISH and SUBSCRIBE: one connection that publishes, one that listens.
 *
 * Both reconnect by themselves for as long as the bus is open. What is published meanwhile is lost, as hints
 * may be; nothing is queued. `subscribe` resolves when Redis has acknowledged, so while Redis is away it
 * waits: a caller that can do without hints for a moment does not await it. After each reconnection the bus
 * subscribes anew to all topics that have listeners, which is why ioredis' own queues and resubscription are off.
 */
export function redisBus({
  url,
  log,
  metrics = unmeasured,
}: {
  url: string
  log: Pick<Logger, 'info' | 'warn' | 'error'>
  metrics?: Metrics
}): Bus {
  const listeners = listenersOf(metrics, (cause, topic) => {
    log.error({ err: cause, topic }, 'A listener of the bus failed.')
  })
  const channels = new Map<string, Deferred>()
  const publishing = deferred()
  let inFlight = 0
  /** What this turn of the event loop publishes: topic, hint, topic, hint … */
  let gathered: string[] = []
  let closed = false
  let outage = false
  let refused = false

  const publisher = connect(url, 'millrace-publisher')
  const subscriber = connect(url, 'millrace-subscriber')
  for (const client of [publisher, subscriber]) {
    client.on('error', noteTrouble)
    client.on('close', noteTrouble)
    client.on('ready', noteReady)
  }
  publisher.defineCommand(PUBLISH_ALL.name, { numberOfKeys: 0, lua: PUBLISH_ALL.script })
  publisher.once('ready', () => publishing.resolve())
  subscriber.on('ready', () => listenTo(listeners.topics()))
  subscriber.on('message', (channel, hint) => listeners.tell(channel.slice(PREFIX.length), hint))

  function noteLoss(count: number): void {
    metrics.count('millrace_bus_hints_failed_total', count)
  }

  /** Publishes what was gathered with one command: a move of many jobs hints at the stream of each. */
  function send(): void {
    const [topic, hint, ...others] = gathered
    if (topic === undefined || hint === undefined) return
    const count = gathered.length / 2
    const sent =
      others.length === 0
        ? publisher.publish(topic, hint)
        : commands(publisher).publishAll(...gathered)
    gathered = []
    sent
      .catch((cause: unknown) => {
        noteLoss(count)
        noteRefusal(cause)
      })
      .finally(() => (inFlight -= count))
  }

  /** One line per outage, however many attempts fail during it. */
  function noteTrouble(cause?: unknown): void {
    if (closed || outage) return
    outage = true
    log.warn({ err: cause }, 'Redis cannot be reached: hints are lost until it is back.')
  }

  function noteReady(): void {
    refused = false
    if (!outage || publisher.status !== 'ready' || subscriber.status !== 'ready') return
    outage = false
    log.info('Redis is back.')
  }

  function listenTo(topics: readonly string[]): void {
    if (topics.length === 0 || subscriber.status !== 'ready') return // 'ready' asks for all topics
    const asked = topics.map((topic) => channels.get(topic))
    subscriber.subscribe(...topics.map((topic) => PREFIX + topic)).then(
      () => asked.forEach((channel) => channel?.resolve()),
      (cause: unknown) => {
        noteRefusal(cause)
        if (isRefusal(cause)) asked.forEach((channel) => channel?.reject(cause))
      }, // otherwise the connection broke, and the next one asks again
    )
  }

  function add(topic: string, listener: (hint: string) => void): () => void {
    const isFirst = !listeners.has(topic)
    const remove = listeners.add(topic, listener)
    if (isFirst) {
      channels.set(topic, deferred())
      listenTo([topic])
    }
    return () => {
      if (!listeners.has(topic)) return
      remove()
      if (listeners.has(topic)) return
      channels.delete(topic)
      if (subscriber.status === 'ready') subscriber.unsubscribe(PREFIX + topic).catch(noteRefusal)
    }
  }

  function noteRefusal(cause: unknown): void {
    if (!isRefusal(cause) || refused) return
    refused = true
    log.error({ err: cause }, 'Redis refuses a command of the bus.')
  }

  return {
    publish(topic, hint) {
      metrics.count('millrace_bus_hints_published_total', 1)
      if (publisher.status !== 'ready' || inFlight >= MAX_IN_FLIGHT) return noteLoss(1)
      inFlight += 1
      if (gathered.push(PREFIX + topic, hint) === 2) setImmediate(send)
      else if (gathered.length === 2 * MAX_TOGETHER) send()
    },
    async subscribe(topic, listener) {
      if (closed) throw busIsClosed()
      const remove = add(topic, listener)
      try {
        await Promise.all([channels.get(topic)?.promise, publishing.promise])
      } catch (cause) {
        remove()
        throw cause
      }
      return remove
    },
    async close() {
      if (closed) return
      send()
      closed = true
      for (const waiting of [publishing, ...channels.values()]) waiting.reject(busIsClosed())
      listeners.clear()
      await Promise.all([end(publisher), end(subscriber)])
    },
  }
}

/** Publishes any number of hints: to Redis one command, and to this process one answer. */
const PUBLISH_ALL = {
  name: 'publishAll',
  script: `for i = 1, #ARGV, 2 do redis.call('publish', ARGV[i], ARGV[i + 1]) end`,
}

/** A client with the command above. */
const commands = (client: Redis): { publishAll(...hints: string[]): Promise<unknown> } =>
  client as never // defineCommand has added it

function connect(url: string, connectionName: string): Redis {
  return new Redis(url, {
    connectionName,
    keepAlive: 10_000,
    enableOfflineQueue: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0, // commands without an answer fail when their connection does
    retryStrategy: (attempt) => Math.min(25 * 2 ** Math.min(attempt, 10), MAX_RETRY_DELAY_MS),
  })
}

/** Sends what is written already, then closes. */
async function end(client: Redis): Promise<void> {
  // between two attempts there is no connection whose end could be heard
  const isOver = client.status === 'end' || client.status === 'reconnecting'
  const ended = isOver
    ? undefined
    : new Promise<void>((resolve) => void client.once('end', () => resolve()))
  client.disconnect()
  await ended
}

/** Redis has answered, and the answer is no (permissions, memory); a broken connection is another thing. */
function isRefusal(cause: unknown): cause is Error {
  return cause instanceof Error && cause.name === 'ReplyError'
}

interface Deferred {
  readonly promise: Promise<void>
  resolve(): void
  reject(cause: Error): void
}

function deferred(): Deferred {
  let settle: Omit<Deferred, 'promise'> = { resolve() {}, reject() {} }
  const promise = new Promise<void>((resolve, reject) => {
    settle = { resolve: () => resolve(), reject }
  })
  promise.catch(() => {}) // nobody may be waiting
  return { promise, ...settle }
}
