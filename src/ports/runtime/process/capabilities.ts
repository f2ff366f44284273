import { readFile } from 'node:fs/promises'

/** What it takes to run programs as other users, and to clear up behind them, by bit (capabilities(7)). */
const NEEDED = {
  CAP_CHOWN: 0,
  CAP_DAC_OVERRIDE: 1,
  CAP_FOWNER: 3,
  CAP_KILL: 5,
  CAP_SETGID: 6,
  CAP_SETUID: 7,
} as const

/** The capabilities that this process lacks to have users for its programs; undefined where there is no /proc. */
export async function lackingCapabilities(): Promise<readonly string[] | undefined> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => undefined)
  const effective = /^CapEff:\s+([0-9a-f]+)$/m.exec(status ?? '')?.[1]
  if (effective === undefined) return undefined
  const bits = BigInt(`0x${effective}`)
  return Object.entries(NEEDED).flatMap(([name, bit]) => ((bits >> BigInt(bit)) & 1n ? [] : [name]))
}
