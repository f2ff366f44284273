import { access, open } from 'node:fs/promises'
import { endianness } from 'node:os'

/*
 * Who listens, as Linux tells it: a row for each socket in the server's network namespace,
 *     0: 0100007F:5DC0 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000 …
 * with the local address and port, the state (0A: LISTEN) and the user who made the socket. Linux tells those that
 * listen first, so that the thousands of connections behind them, which take long, need not be read.
 */
const ROW = /^ *\d+: ([0-9A-F]+:[0-9A-F]{4}) \S+ ([0-9A-F]{2}) \S+ \S+ \S+ +(\d+) /
const LISTEN = '0A'
const FOLDER = '/proc/self/net'
const BLOCK_BYTES = 16 * 1024

/** Addresses are written as words of 32 bits in the machine's own order. */
const [LOOPBACK, MAPPED] = endianness() === 'LE' ? ['0100007F', 'FFFF0000'] : ['7F000001', 'FFFF']
const ANY = '0'.repeat(8)
const mapped = (address: string): string => ANY + ANY + MAPPED.padStart(8, '0') + address

/** Where a connection to 127.0.0.1 may end, what the system prefers first: IPv4, and an address before all of them. */
const TABLES = [
  { file: 'tcp', addresses: [LOOPBACK, ANY] },
  { file: 'tcp6', addresses: [mapped(LOOPBACK), mapped(ANY), ANY.repeat(4)] },
] as const

/**
 * The user of the operating system whose socket a connection to this port of 127.0.0.1 reaches; `unseen` where there is
 * no /proc to tell.
 */
export async function listenerOf(port: number): Promise<number | 'nobody' | 'unseen'> {
  for (const isSorted of [true, false])
    for (const { file, addresses } of TABLES) {
      const user = await listenerIn(rowsOf(`${FOLDER}/${file}`), addresses, port, isSorted)
      if (user !== undefined) return user
    }
  return access(FOLDER).then(
    () => 'nobody',
    () => 'unseen',
  )
}

/** The user of the socket of the first of these addresses; `isSorted` where none listens behind one that does not. */
export async function listenerIn(
  rows: AsyncIterable<string> | Iterable<string>,
  addresses: readonly string[],
  port: number,
  isSorted: boolean,
): Promise<number | undefined> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  const names = addresses.map((address) => `${address}:${hex}`)
  let best = names.length
  let user: number | undefined
  for await (const row of rows) {
    const [, local = '', state, owner] = ROW.exec(row) ?? []
    if (state === undefined) continue // the head of the table
    if (state !== LISTEN && isSorted) break
    const rank = names.indexOf(local)
    if (state !== LISTEN || rank < 0 || rank >= best) continue
    best = rank
    user = Number(owner)
    if (rank === 0) break
  }
  return user
}

/** A table of the kernel, row by row; none where it is not there, such as that of IPv6 where this is switched off. */
async function* rowsOf(path: string): AsyncGenerator<string> {
  const file = await open(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw cause
  })
  if (file === undefined) return
  try {
    const block = Buffer.allocUnsafe(BLOCK_BYTES)
    let rest = ''
    for (;;) {
      const { bytesRead } = await file.read(block)
      if (bytesRead === 0) return
      const rows = (rest + block.toString('latin1', 0, bytesRead)).split('\n')
      rest = rows.pop() ?? ''
      yield* rows
    }
  } finally {
    await file.close()
  }
}
