import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Bus } from '../../../src/ports/bus/bus.ts'
import { redisBus } from '../../../src/ports/bus/redis.ts'
import { until } from '../../../testkit/until.ts'
import { conformsToBus } from './conformance.ts'
import { gateTo, type Gate } from './gate.ts'
import { recordingLog } from './recording-log.ts'

const url = process.env.TEST_REDIS_URL ?? ''
const title =
  url === '' ? 'redisBus (NOT RUN: TEST_REDIS_URL names no Redis)' : 'redisBus against a Redis'

describe.runIf(url !== '')(title, () => {
  conformsToBus('redisBus', () => redisBus({ url, log: recordingLog().log }))

  test('two servers hear each other', async () => {
    const [one, two] = [open(url), open(url)]
    const topic = newTopic()
    const heard: string[] = []
    await one.bus.subscribe(topic, (hint) => heard.push(`one: ${hint}`))
    await two.bus.subscribe(topic, (hint) => heard.push(`two: ${hint}`))
    one.bus.publish(topic, 'a')
    await until(() => heard.length === 2)
    two.bus.publish(topic, 'b')
    await until(() => heard.length === 4)
    expect(heard.sort()).toEqual(['one: a', 'one: b', 'two: a', 'two: b'])
  })

  test('many listeners of one topic are one subscription of Redis, under our prefix', async () => {
    const { bus } = open(url)
    const topic = newTopic()
    const subscriptions = async () => (await admin().pubsub('NUMSUB', `millrace:${topic}`))[1]
    const leave = await Promise.all([1, 2, 3].map(() => bus.subscribe(topic, () => {})))
    expect(await subscriptions()).toBe(1)
    leave.pop()?.()
    leave.pop()?.()
    expect(await subscriptions()).toBe(1)
    leave.pop()?.()
    await until(async () => (await subscriptions()) === 0)
  })

  test('killed connections come back with all their topics', async () => {
    const gate = await openGate()
    const { bus, lines } = open(gate.url)
    const topics = [newTopic(), newTopic()]
    const heard: string[] = []
    for (const topic of topics) await bus.subscribe(topic, (hint) => heard.push(`${topic} ${hint}`))
    const killed = gate.addresses()
    expect(killed).toHaveLength(2)
    for (const address of killed) await admin().call('CLIENT', 'KILL', 'ADDR', address)
    await until(() => messages(lines).includes('Redis is back.'))
    expect(gate.addresses()).not.toEqual(expect.arrayContaining([...killed]))
    await untilAllHear(bus, topics, heard)
  })

  test('an outage is told once, loses hints and nothing else', async () => {
    const gate = await openGate()
    const { bus, lines } = open(gate.url)
    const topic = newTopic()
    const heard: string[] = []
    await bus.subscribe(topic, (hint) => heard.push(`${topic} ${hint}`))
    await gate.shut()
    await until(() => lines.length > 0)
    for (let n = 0; n < 1000; n++) bus.publish(topic, 'lost')
    const late = newTopic()
    const joined = bus.subscribe(late, (hint) => heard.push(`${late} ${hint}`))
    await gate.open({ dropping: true })
    await until(() => gate.dropped() >= 4)
    expect(messages(lines)).toEqual(['Redis cannot be reached: hints are lost until it is back.'])
    await gate.open()
    await joined
    await untilAllHear(bus, [topic, late], heard)
    expect(heard).not.toContain(`${topic} lost`)
    expect(messages(lines).at(-1)).toBe('Redis is back.')
    expect(lines).toHaveLength(2)
  })

  test('a subscription made while Redis is away waits for it, and ends with the bus', async () => {
    const gate = await openGate()
    await gate.shut()
    const { bus } = open(gate.url)
    const waiting = bus.subscribe(newTopic(), () => {})
    const refused = expect(waiting).rejects.toThrow('The bus is closed.')
    bus.publish(newTopic(), 'lost')
    await bus.close()
    await refused
  })

  const redis: { admin?: Redis } = {}
  const admin = (): Redis => (redis.admin ??= new Redis(url))
  afterAll(() => redis.admin?.disconnect())
})

const newTopic = (): string => `test.${randomUUID()}`
const messages = (lines: readonly Record<string, unknown>[]) => lines.map((line) => line.msg)

function open(at: string): { bus: Bus; lines: Record<string, unknown>[] } {
  const { log, lines } = recordingLog()
  const bus = redisBus({ url: at, log })
  onTestFinished(() => bus.close())
  return { bus, lines }
}

async function openGate(): Promise<Gate> {
  const gate = await gateTo(url)
  onTestFinished(() => gate.shut())
  return gate
}

/** Publishing is lossy while connections come back, so it is repeated until each topic was heard. */
async function untilAllHear(bus: Bus, topics: readonly string[], heard: string[]): Promise<void> {
  await until(() => {
    for (const topic of topics) bus.publish(topic, 'again')
    return topics.every((topic) => heard.includes(`${topic} again`))
  })
}
