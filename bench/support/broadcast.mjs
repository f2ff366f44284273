// Sends so many lines, so many a second, to every socket, as deliveries of a log look. Says where it listens, and
// begins when it is told to.
import { WebSocketServer } from 'ws'

const [lines, perSecond] = process.argv.slice(2).map(Number)
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
server.on('listening', () => process.send?.(`ws://127.0.0.1:${server.address().port}`))

process.on('message', () => {
  const begun = performance.now()
  let sent = 0
  const timer = setInterval(() => {
    const due = Math.min(lines, ((performance.now() - begun) / 1000) * perSecond)
    for (; sent < due; sent += 1) {
      const text = `${(performance.timeOrigin + performance.now()).toFixed(3)} INFO request ${sent} of the model was answered in 12.3 ms, nothing odd was seen`
      const cursor = `lAZEAAAAAAAAAAAAAAAAAAA.${sent.toString(36)}`
      const data = { serviceLogs: { cursor, lines: [{ number: sent, text }] } }
      const message = JSON.stringify({
        id: '1',
        type: 'next',
        payload: { data, extensions: { cursor } },
      })
      for (const socket of server.clients) socket.send(message)
    }
    if (sent >= lines) clearInterval(timer)
  }, 1)
})
