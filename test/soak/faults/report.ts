import { cpus, totalmem } from 'node:os'
import { groups } from './groups.ts'
import type { Row } from './round.ts'

/** When and on what the figures were measured. */
export interface Conditions {
  readonly seed: number
  readonly minutes: number
}

const seconds = (value: number): string => value.toFixed(1)
const count = (value: number): string => value.toLocaleString('en')
const storage = { embedded: 'embedded', postgres: 'PostgreSQL' } as const

/** Rows of one fault, if it was done several times: figures added, times the longest. */
function merged(rows: readonly Row[]): Row[] {
  const same = groups(rows, ({ fault, kind }) => `${kind} ${fault}`)
  return [...same.values()].flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    const total = (figure: (row: Row) => number): number =>
      group.reduce((sum, row) => sum + figure(row), 0)
    const longest = (figure: (row: Row) => number): number => Math.max(...group.map(figure))
    return [
      {
        ...first,
        checked: total(({ checked }) => checked),
        lost: total(({ lost }) => lost),
        doubled: total(({ doubled }) => doubled),
        reordered: total(({ reordered }) => reordered),
        ended: total(({ ended }) => ended),
        silenceSeconds: longest(({ silenceSeconds }) => silenceSeconds),
        recoverySeconds: longest(({ recoverySeconds }) => recoverySeconds),
      },
    ]
  })
}

/** The table of faults, as Markdown. */
export function table(rows: readonly Row[], { seed, minutes }: Conditions): string {
  const lines = merged(rows).map((row) =>
    [
      row.fault,
      storage[row.kind],
      count(row.checked),
      count(row.lost),
      count(row.doubled),
      count(row.reordered),
      count(row.ended),
      seconds(row.silenceSeconds),
      seconds(row.recoverySeconds),
    ].join(' | '),
  )
  const [cpu] = cpus()
  return [
    '| fault | database | entries checked | lost | doubled | reordered | followers ended | longest silence (s) | time to recover (s) |',
    '|---|---|---:|---:|---:|---:|---:|---:|---:|',
    ...lines.map((line) => `| ${line} |`),
    '',
    `Measured in ${minutes} minutes with \`SEED=${seed}\`, on ${cpus().length} × ${cpu?.model ?? 'CPU'} with ${Math.round(totalmem() / 2 ** 30)} GiB, Node.js ${process.versions.node}; load, followers, servers and databases shared them.`,
    '',
  ].join('\n')
}
