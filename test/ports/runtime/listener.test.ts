import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { check } from '../../../src/ports/runtime/process/check.ts'
import { listenerIn, listenerOf } from '../../../src/ports/runtime/process/listener.ts'
import { freePort } from '../../../src/ports/runtime/process/port.ts'
import { AddressTaken } from '../../../src/ports/runtime/runtime.ts'
import { isRoot, squat, SQUATTER } from '../../../testkit/machine/squatter.ts'

const never = new AbortController().signal
const me = process.geteuid?.()
const isLinux = process.platform === 'linux'

test('a port belongs to whoever listens on it, at whichever address 127.0.0.1 leads to', async () => {
  for (const host of ['127.0.0.1', '0.0.0.0', '::', '::ffff:127.0.0.1']) {
    const server = createServer().listen(0, host)
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    expect([host, await listenerOf(port)]).toEqual([host, isLinux ? me : 'unseen'])
    expect(await check(port, undefined, never)).toBe(true)
    expect(await check(port, me, never)).toBe(true)
    if (isLinux) await expect(check(port, SQUATTER - 1, never)).rejects.toThrow(AddressTaken)
    server.close()
  }
})

test('a port that nobody listens on is nobody’s, whatever else there is at its number', async () => {
  const port = await freePort(new Set())
  const elsewhere = createServer().listen(port, '127.0.0.2')
  await once(elsewhere, 'listening')
  expect(await listenerOf(port)).toBe(isLinux ? 'nobody' : 'unseen')
  expect(await check(port, undefined, never)).toBe(false)
  elsewhere.close()
})

test('a listener of another user is not taken for the program, and told by number', async () => {
  for (const host of ['127.0.0.1', '0.0.0.0', '::']) {
    const port = await freePort(new Set())
    const leave = await squat(port, host)
    expect(await check(port, isRoot ? SQUATTER : me, never)).toBe(true)
    if (isRoot && isLinux)
      await expect(check(port, undefined, never)).rejects.toThrow(
        `another user of the machine (number ${SQUATTER}) listens on its port ${port}`,
      )
    await leave()
  }
})

/** As Linux 6 wrote them, shortened: those that listen first. */
const tcp = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:8B57 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101        0 2881281 1 00000000031e9dc0 100 0 0 10 0
   1: 00000000:07E8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     7        0 1138 1 0000000082e8b139 100 0 0 10 0
   2: 0200007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     8        0 1139 1 0000000082e8b140 100 0 0 10 0
  13: 0100007F:8B57 0100007F:A2C4 01 00000000:00000000 02:000004B7 00000000  1000        0 2882654 2 000000000760e236 20 4 30 10 -1
  14: 0100007F:0050 0100007F:A2C4 06 00000000:00000000 03:000004B7 00000000     0        0 0 3 000000000760e237
 115: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 20001        0 1140 1 0000000082e8b141 100 0 0 10 0
`
const tcp6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:59DB 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     9        0 2891490 1 000000001109f1b9 100 0 0 10 0
   1: 0000000000000000FFFF00000100007F:59DB 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000    10        0 2891488 1 0000000024a4b5b9 100 0 0 10 0
   2: 00000000000000000000000001000000:59DC 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000    11        0 2891488 1 0000000024a4b5b9 100 0 0 10 0
`
const v4 = ['0100007F', '00000000']
const v6 = ['0000000000000000FFFF00000100007F', '0'.repeat(32)]
const owner = (port: number, isSorted = true) => listenerIn(tcp.split('\n'), v4, port, isSorted)

test('of a table only those who listen count, of several the nearest address', async () => {
  expect(await owner(0x8b57)).toBe(101)
  expect(await owner(0x07e8)).toBe(7)
  expect(await owner(0x0050)).toBeUndefined()
  expect(await owner(0x1f90)).toBeUndefined()
  expect(await owner(0x1f90, false)).toBe(20_001)
  expect(await listenerIn(tcp6.split('\n'), v6, 0x59db, true)).toBe(10)
  expect(await listenerIn(tcp6.split('\n'), v6, 0x59dc, true)).toBeUndefined()
})
