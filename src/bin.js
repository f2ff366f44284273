#!/usr/bin/env node
/*
 * The door of the command line. It must load on a Node.js of any age, to say in words that it is too old:
 * nothing here is newer than ES2015, but for the import at the end.
 */
const NEEDED = [20, 19]
const running = process.versions.node
const [major, minor] = running.split('.').map(Number)

// graphql-js looks at every value twice when this is not said before it is loaded
process.env.NODE_ENV = process.env.NODE_ENV || 'production'

if (major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])) {
  void import('./main.js')
} else {
  process.stderr.write(
    `Millrace needs Node.js ${NEEDED.join('.')} or newer and this is ${running}: ` +
      'install a newer one from https://nodejs.org and try again.\n',
  )
  process.exitCode = 1
}
