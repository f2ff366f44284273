import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { postgresPrograms } from '../../../testkit/machine/postgres.ts'
import { freshSeed, random } from '../../../testkit/random.ts'
import type { Fault } from './kinds/index.ts'
import { networkResets } from './kinds/network.ts'
import { postgresKilled } from './kinds/postgres.ts'
import { serverKilled } from './kinds/server.ts'
import { round } from './round.ts'
import { embeddedStage, postgresStage, type Stage } from './stage.ts'

/*
 * A short form of `npm run soak -- faults`, which lets far more fail: one fault that takes seconds. With
 * TEST_DATABASE_URL on two servers over a PostgreSQL and a Redis server of its own, else on one with the embedded
 * database.
 */
const hasServers = process.env['TEST_DATABASE_URL'] !== undefined
const isPossible = !hasServers || (await postgresPrograms()) !== undefined
const seed = freshSeed()
const embedded = seed % 2 === 0 ? serverKilled : networkResets
const faults: readonly Fault[] = hasServers ? [postgresKilled] : [embedded]

describe.runIf(isPossible)('whatever fails', () => {
  let stage: Stage | undefined
  beforeAll(async () => {
    stage = await (hasServers ? postgresStage() : embeddedStage())
  })
  afterAll(() => stage?.close())

  test.for(faults)('every follower gets each entry once, in order: $name', async (fault) => {
    if (stage === undefined) throw new Error('Redis is not installed.')
    const history: string[] = [`SEED=${seed}`]
    const row = await round(stage, fault, {
      chance: random(seed),
      say: (what) => void history.push(what),
      holdMs: 2_000,
    })
    const { checked, lost, doubled, reordered, ended, broken } = row
    expect({ broken, lost, doubled, reordered, ended }, history.join('\n')).toEqual({
      broken: [],
      lost: 0,
      doubled: 0,
      reordered: 0,
      ended: 0,
    })
    expect(checked).toBeGreaterThan(250) // as many as came before anything failed
  })
})
