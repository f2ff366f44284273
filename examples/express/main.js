/** Notes with Express: a page, an API with every method, and a WebSocket that tells of changes. */
import express from 'express'
import { WebSocketServer } from 'ws'

const app = express()
app.set('trust proxy', 'loopback') // Millrace says who asks, and how: X-Forwarded-For, -Proto and -Host
app.use(express.json())
app.use(express.static('public'))

const notes = new Map()
let last = 0

/** Where the service is reached: a path at the server's address, none at a host of its own. */
const at = (request) =>
  `${request.protocol}://${request.host}${request.get('x-forwarded-prefix') ?? ''}`

app.param('id', (request, response, next, id) => {
  request.note = notes.get(id)
  if (request.note === undefined) response.status(404).json({ error: `There is no note ${id}.` })
  else next()
})

app.get('/notes', (request, response) => {
  response.json([...notes.values()])
})

app.post('/notes', (request, response) => {
  const note = { id: String(++last), text: String(request.body?.text ?? ''), isDone: false }
  notes.set(note.id, note)
  response
    .status(201)
    .location(`${at(request)}/notes/${note.id}`)
    .json(note)
  changed()
})

app
  .route('/notes/:id')
  .get((request, response) => {
    response.json(request.note)
  })
  .put((request, response) => {
    const { text = '', isDone = false } = request.body ?? {}
    response.json(Object.assign(request.note, { text, isDone }))
    changed()
  })
  .patch((request, response) => {
    const { text = request.note.text, isDone = request.note.isDone } = request.body ?? {}
    response.json(Object.assign(request.note, { text, isDone }))
    changed()
  })
  .delete((request, response) => {
    notes.delete(request.note.id)
    response.status(204).end()
    changed()
  })

app.get('/last', (request, response) => {
  response.redirect(last === 0 ? '/notes' : `/notes/${last}`)
})

/** What the page greets with: who comes again has a cookie. */
app.get('/visit', (request, response) => {
  const isFirst = !/(?:^|; )visited=/.test(request.get('cookie') ?? '')
  response.cookie('visited', 'yes', { httpOnly: true, sameSite: 'lax' })
  response.json({ isFirst, at: at(request), ip: request.ip })
})

const server = app.listen(Number(process.env.PORT), process.env.HOST)
const sockets = new WebSocketServer({ server, path: '/changes' })

function changed() {
  for (const socket of sockets.clients) socket.send(JSON.stringify([...notes.values()]))
}
