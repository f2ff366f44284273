import { randomUUID } from 'node:crypto'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Bus } from '../../../src/ports/bus/bus.ts'
import { until } from '../../../testkit/until.ts'

/** What every Bus promises. `make` gives a new one; the suite closes it. */
export function conformsToBus(name: string, make: () => Bus): void {
  const open = (): Bus => {
    const bus = make()
    onTestFinished(() => bus.close())
    return bus
  }

  describe(`${name} is a bus`, () => {
    test('a listener hears the hints of its topic, in order', async () => {
      const bus = open()
      const [mine, other] = [topic(), topic()]
      const heard: string[] = []
      await bus.subscribe(mine, (hint) => heard.push(hint))
      await bus.subscribe(other, (hint) => heard.push(`other ${hint}`))
      for (let n = 1; n <= 100; n++) bus.publish(mine, String(n))
      await until(() => heard.length >= 100)
      expect(heard).toEqual(Array.from({ length: 100 }, (_, n) => String(n + 1)))
    })

    test('a hint is kept as it is, whatever it is made of', async () => {
      const bus = open()
      const mine = topic()
      const hints = ['', 'é ☃ 🜁', '{"n":1}', 'line\r\nline', 'x'.repeat(70_000)]
      const heard: string[] = []
      await bus.subscribe(mine, (hint) => heard.push(hint))
      for (const hint of hints) bus.publish(mine, hint)
      await until(() => heard.length >= hints.length)
      expect(heard).toEqual(hints)
    })

    test('listeners run after the publisher has gone on', async () => {
      const bus = open()
      const mine = topic()
      const order: string[] = []
      await bus.subscribe(mine, () => order.push('heard'))
      bus.publish(mine, 'now')
      await Promise.resolve()
      order.push('published')
      await until(() => order.length === 2)
      expect(order).toEqual(['published', 'heard'])
    })

    test('a listener that fails stops neither the others nor the next hint', async () => {
      const bus = open()
      const mine = topic()
      const heard: string[] = []
      await bus.subscribe(mine, () => {
        throw new Error('a listener that fails, on purpose')
      })
      await bus.subscribe(mine, (hint) => heard.push(hint))
      bus.publish(mine, 'first')
      bus.publish(mine, 'second')
      await until(() => heard.length >= 2)
      expect(heard).toEqual(['first', 'second'])
    })

    test('each subscription ends on its own, also when it is ended twice', async () => {
      const bus = open()
      const mine = topic()
      const heard: string[] = []
      const listener = (hint: string): void => void heard.push(hint)
      const leave = await bus.subscribe(mine, listener)
      const leaveToo = await bus.subscribe(mine, listener)
      bus.publish(mine, 'both')
      await until(() => heard.length >= 2)
      leave()
      leave()
      bus.publish(mine, 'one')
      await until(() => heard.includes('one'))
      leaveToo()
      bus.publish(mine, 'none')
      await hintsHavePassed(bus, topic())
      expect(heard).toEqual(['both', 'both', 'one'])
    })

    test('a listener that leaves while a hint is told is not called any more', async () => {
      const bus = open()
      const mine = topic()
      const heard: string[] = []
      const leaving: (() => void)[] = []
      await bus.subscribe(mine, () => leaving.forEach((leave) => leave()))
      leaving.push(await bus.subscribe(mine, (hint) => heard.push(hint)))
      bus.publish(mine, 'hint')
      await hintsHavePassed(bus, topic())
      expect(heard).toEqual([])
    })

    test('a topic can be left and joined again many times at once', async () => {
      const bus = open()
      const mine = topic()
      const heard: string[] = []
      for (let round = 0; round < 20; round++) {
        const subscriptions = [1, 2, 3].map(() => bus.subscribe(mine, () => heard.push('old')))
        for (const leave of await Promise.all(subscriptions)) leave()
      }
      await bus.subscribe(mine, (hint) => heard.push(hint))
      bus.publish(mine, 'new')
      await until(() => heard.length > 0)
      expect(heard).toEqual(['new'])
    })

    test('a closed bus is silent, refuses subscriptions and may be closed again', async () => {
      const bus = open()
      const mine = topic()
      const heard: string[] = []
      const leave = await bus.subscribe(mine, (hint) => heard.push(hint))
      await bus.close()
      bus.publish(mine, 'late')
      leave()
      await expect(bus.subscribe(mine, () => {})).rejects.toThrow('The bus is closed.')
      await bus.close()
      expect(heard).toEqual([])
    })
  })
}

/** Several tests may share one Redis. */
const topic = (): string => `test.${randomUUID()}`

/** Hints keep their order, so when a later one has arrived, all earlier ones have. */
async function hintsHavePassed(bus: Bus, marker: string): Promise<void> {
  let passed = false
  await bus.subscribe(marker, () => (passed = true))
  bus.publish(marker, 'marker')
  await until(() => passed)
}
