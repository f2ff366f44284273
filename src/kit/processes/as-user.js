// @ts-check
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const SETPRIV =
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'setpriv'))
    .find((path) => existsSync(path)) ?? 'setpriv'

/** Whether there is the setpriv of util-linux: that of others, such as BusyBox, changes no users. */
export const hasSetpriv = () =>
  promisify(execFile)(SETPRIV, ['--help'], { env: {} }).then(
    ({ stdout }) => stdout.includes('--reuid'),
    () => false,
  )

/**
 * The command line that runs another as a user, with nothing else of ours: no groups, no capabilities, and no way to the
 * rights of others (crontab, at, sudo). `spawn` with a `uid` is not the same: until the program has begun, its user can
 * stop it, for which Node.js then waits, and so do all who wait for Node.js.
 * @param {number} user @param {readonly string[]} command @returns {string[]}
 */
export const asUser = (user, command) => [
  SETPRIV,
  `--reuid=${user}`,
  `--regid=${user}`,
  '--clear-groups',
  '--inh-caps=-all',
  '--ambient-caps=-all',
  '--no-new-privs',
  ...command,
]
