import { setTimeout as pause } from 'node:timers/promises'
import type { Stage } from '../stage.ts'
import type { Volume } from '../volume.ts'
import { both, embedded, type Fault, type Injury } from './fault.ts'

/** The disk stays full, whatever is freed meanwhile. */
async function fill(volume: Volume | undefined): Promise<Injury> {
  if (volume === undefined) throw new Error('There is no disk to fill.')
  const stopping = new AbortController()
  async function keepFull(disk: Volume): Promise<void> {
    while (!stopping.signal.aborted) {
      await disk.fill()
      await pause(200)
    }
    await disk.free()
  }
  await volume.fill()
  const filling = keepFull(volume)
  return {
    heal() {
      stopping.abort()
      return filling
    },
  }
}

const full = (name: string, which: (stage: Stage) => Volume | undefined): Omit<Fault, 'on'> => ({
  name,
  isPossible: (stage) => which(stage) !== undefined,
  holdMs: 10_000,
  begin: ({ stage }) => fill(which(stage)),
})

export const diskFaults: readonly Fault[] = [
  {
    ...full('disk of the embedded database full', ({ data }) => data),
    on: embedded,
    isOutage: true,
    keepsPrints: false,
  },
  {
    ...full('disk of a data folder full', ({ data }) => data),
    on: ['postgres'],
    keepsPrints: false,
  },
  { ...full('disk of the archives full', ({ storage }) => storage), on: both },
]
