// Asks a server every few milliseconds on a connection of its own, from a thread of its own, and tells how long the
// longest answer took since it was asked last.
import { Agent, request } from 'node:http'
import { parentPort, workerData } from 'node:worker_threads'

const agent = new Agent({ keepAlive: true, maxSockets: 1 })
let longest = 0

const ping = () =>
  new Promise((resolve, reject) => {
    const begun = performance.now()
    const asked = request(`${workerData}/readyz`, { agent }, (answer) => {
      answer.resume().on('end', () => {
        longest = Math.max(longest, performance.now() - begun)
        setTimeout(resolve, 5)
      })
    })
    asked.on('error', reject).end()
  })

parentPort?.on('message', () => {
  parentPort?.postMessage(longest, [])
  longest = 0
})
for (;;) await ping()
