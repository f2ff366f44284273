// Loaded into the server by BENCH_PROFILE: writes a .cpuprofile of the whole run, which browsers' tools open.
import { mkdirSync, writeFileSync } from 'node:fs'
import { Session } from 'node:inspector'
import { join } from 'node:path'
import { isMainThread } from 'node:worker_threads'

const folder = process.env['BENCH_PROFILE']
if (isMainThread && folder !== undefined) {
  const session = new Session()
  session.connect()
  session.post('Profiler.enable')
  session.post('Profiler.start')
  process.on('exit', () =>
    session.post('Profiler.stop', (cause, stopped) => {
      if (cause !== null) return
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, `${Date.now()}.cpuprofile`), JSON.stringify(stopped.profile))
    }),
  )
}
