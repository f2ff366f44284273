import { afterEach, expect, test, vi } from 'vitest'
import { Rounds } from '../../src/kit/rounds.ts'

afterEach(() => vi.useRealTimers())

/** Rounds whose ends are in the hands of the test. */
function held() {
  const ends: { resolve: () => void; reject: (cause: Error) => void }[] = []
  const failures: unknown[] = []
  const rounds = new Rounds(
    () => new Promise<void>((resolve, reject) => ends.push({ resolve, reject })),
    (cause) => failures.push(cause),
  )
  return { rounds, ends, failures }
}

test('whoever asks during a round gets one more after it, however often it was asked for', async () => {
  const { rounds, ends } = held()
  const first = rounds.ask()
  void rounds.ask()
  void rounds.ask()
  expect(ends).toHaveLength(1)
  ends[0]?.resolve()
  await vi.waitFor(() => expect(ends).toHaveLength(2))
  ends[1]?.resolve()
  await first
  expect(rounds.isRunning).toBe(false)
  expect(ends).toHaveLength(2)
})

test('a round that asks for another gets it', async () => {
  let left = 3
  const rounds: Rounds = new Rounds(
    async () => {
      left -= 1
      if (left > 0) void rounds.ask()
    },
    () => expect.unreachable(),
  )
  await rounds.ask()
  expect(left).toBe(0)
})

test('what a round asks for before it waits for anything begins when that round is over', async () => {
  let running = 0
  let most = 0
  let left = 3
  const rounds: Rounds = new Rounds(
    async () => {
      running += 1
      most = Math.max(most, running)
      left -= 1
      if (left > 0) void rounds.ask()
      expect(rounds.isRunning).toBe(true)
      await Promise.resolve()
      running -= 1
    },
    () => expect.unreachable(),
  )
  await rounds.ask()
  expect({ left, running, most }).toEqual({ left: 0, running: 0, most: 1 })
  expect(rounds.isRunning).toBe(false)
})

test.each([0, 1, 2, 3, 4, 5])(
  'what is asked for %i turns after a round began is not lost',
  async (turns) => {
    let done = 0
    const rounds = new Rounds(
      async () => void (done += 1),
      () => expect.unreachable(),
    )
    void rounds.ask()
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve()
    await rounds.ask()
    expect(done).toBe(2)
  },
)

test('a round that fails is told of, and the next one begins when that is told', async () => {
  const told: string[] = []
  const rounds = new Rounds(
    async () => {
      told.push('round')
      if (told.length === 1) throw new Error('away')
    },
    async (cause) => {
      void rounds.ask()
      await Promise.resolve()
      told.push(String(cause))
    },
  )
  await rounds.ask()
  expect(told).toEqual(['round', 'Error: away', 'round'])
})

test('a tick during a round begins none', async () => {
  vi.useFakeTimers()
  const { rounds, ends } = held()
  rounds.every(100)
  await vi.advanceTimersByTimeAsync(350)
  expect(ends).toHaveLength(1)
  ends[0]?.resolve()
  await vi.advanceTimersByTimeAsync(40)
  expect(ends).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(20)
  expect(ends).toHaveLength(2)
})

test('closing waits for the round that runs, and begins no other', async () => {
  vi.useFakeTimers()
  const { rounds, ends, failures } = held()
  rounds.every(100)
  void rounds.ask()
  void rounds.ask()
  let isOver = false
  const closed = rounds.close().then(() => (isOver = true))
  await vi.advanceTimersByTimeAsync(300)
  expect(isOver).toBe(false)
  ends[0]?.reject(new Error('away'))
  await closed
  await rounds.ask()
  await vi.advanceTimersByTimeAsync(300)
  expect(ends).toHaveLength(1)
  expect(failures).toEqual([new Error('away')])
})
