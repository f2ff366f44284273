// @ts-check
/*
 * The agent of the process runtime: a process of its own that starts the programs of a server, copies what they print
 * into journals, and ends whatever belongs to them. The server is spoken to over the channel of `fork`. When that
 * closes the server is gone, however it went: all programs are killed, what they have printed is written down, and the
 * agent ends. Argument: the folder of the runtime, where it writes down who it is. JavaScript, because it is loaded by
 * Node.js itself, from src/ as from dist/.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { closeInheritedFiles } from '../../../../kit/processes/inherited-files.js'
import { whoIs } from '../../../../kit/processes/processes.js'
import { PipePool } from '../../../../kit/processes/pipe-pool.js'
import { Owner } from '../../../../kit/processes/reap.js'
import { AGENT, writeDown } from './records.js'
import { startProgram } from './start.js'

/**
 * What it is told. `start`: a program, answered by `started` or `refused`. `stop`: ask a program to end, and end it
 * after the grace. `released`: all before this part of its journal has been read.
 * @typedef {({ readonly kind: 'start' } & import('./start.js').Launch)
 *   | { readonly kind: 'stop', readonly key: string, readonly graceMs: number }
 *   | { readonly kind: 'released', readonly key: string, readonly segment: number }} Order
 *
 * What it tells. `exited`: none of its processes is left. `ended`: its journal is whole. `warned`: for the log.
 * @typedef {{ readonly kind: 'started', readonly key: string, readonly pid: number, readonly start: number }
 *   | { readonly kind: 'refused', readonly key: string, readonly message: string }
 *   | ({ readonly kind: 'exited', readonly key: string } & import('./program.js').Exit)
 *   | { readonly kind: 'ended', readonly key: string }
 *   | { readonly kind: 'warned', readonly key: string, readonly message: string }} Notice
 */

/** How long it goes on for a full disk when the server is gone. */
const LAST_MS = 10_000

const [, , folder = ''] = process.argv
/** @type {Map<string, import('./program.js').Program>} */
const programs = new Map()
const pool = new PipePool()
/** Starts on their way. @type {Map<Promise<void>, Owner>} */
const starting = new Map()

/** @param {Notice} notice */
function tell(notice) {
  if (process.connected) process.send?.(notice, undefined, undefined, () => {})
}

/** @param {Order} order */
function obey(order) {
  switch (order.kind) {
    case 'start':
      return begin(order)
    case 'stop':
      return void programs.get(order.key)?.stop(order.graceMs)
    case 'released':
      return programs.get(order.key)?.released(order.segment)
  }
}

/** @param {import('./start.js').Launch} launch */
function begin(launch) {
  const owner = new Owner(launch.mark, launch.user, undefined)
  const started = start(launch, owner).finally(() => starting.delete(started))
  starting.set(started, owner)
}

function owners() {
  const running = [...programs.values()].filter((program) => !program.isOver)
  return [...starting.values(), ...running.map(({ owner }) => owner)]
}

/** @param {import('./start.js').Launch} launch @param {Owner} owner */
async function start(launch, owner) {
  const { key } = launch
  try {
    const program = await startProgram(launch, owner, pool, {
      owners,
      warn: (message) => tell({ kind: 'warned', key, message }),
    })
    programs.set(key, program)
    tell({ kind: 'started', key, ...program.leader })
    void program.exited.then((exit) => tell({ kind: 'exited', key, ...exit }))
    void program.ended.then(() => {
      programs.delete(key)
      tell({ kind: 'ended', key })
    })
  } catch (cause) {
    tell({ kind: 'refused', key, message: cause instanceof Error ? cause.message : String(cause) })
  }
}

async function leave() {
  await Promise.all(starting.keys())
  for (const program of programs.values()) void program.kill()
  const all = Promise.all([...programs.values()].map(({ ended }) => ended))
  await Promise.race([all, delay(LAST_MS)])
  process.exit()
}

closeInheritedFiles()
// whoever asks all processes of a terminal or of a service manager's unit to end asks the server, which tells us
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1', 'SIGPIPE'])
  process.on(signal, () => {})
process.on('message', obey)
process.on('disconnect', () => void leave())
writeDown(folder, AGENT, whoIs(process.pid))
pool.fill()
