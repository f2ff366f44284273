import { both, type Fault, type Scene } from './fault.ts'
import type { Passage } from '../wire.ts'

/** The ways to all servers are such for a while. */
function network(name: string, holdMs: number, passage: (scene: Scene) => Passage): Fault {
  return {
    name: `network to the servers ${name}`,
    on: both,
    holdMs,
    async begin(scene) {
      for (const { wire } of scene.stage.posts) wire.set(passage(scene))
      return {
        async heal() {
          for (const { wire } of scene.stage.posts) wire.open()
        },
      }
    },
  }
}

export const networkResets = network('resets each connection', 8_000, ({ chance }) => ({
  kind: 'resets',
  bytes: () => 500 + chance() * 30_000,
}))

export const networkFaults: readonly Fault[] = [
  networkResets,
  network('is a hole', 15_000, () => ({ kind: 'hole' })),
  network('is slow', 10_000, ({ chance }) => ({
    kind: 'delay',
    ms: () => 100 + chance() * 400,
  })),
  network('brings byte after byte', 10_000, () => ({ kind: 'drip' })),
  {
    name: 'connections to the servers half open',
    on: both,
    holdMs: 25_000,
    async begin({ stage }) {
      for (const { wire } of stage.posts) wire.forget()
      return {
        async heal() {
          // an EventSource and a plain request look for no sign of life: they are told at last
          for (const { wire } of stage.posts) wire.dropForgotten()
        },
      }
    },
  },
]
