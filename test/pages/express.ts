import { packed } from '../../testkit/packed.ts'

const main = `import express from 'express'
const app = express()
app.set('trust proxy', 1)
app.use(express.json())
app.get('/', (request, response) => {
  response.cookie('theirs', 'of Express')
  response.type('html').send('<!doctype html><title>Express</title><h1>A page of a service</h1><script src="/page.js"></script>')
})
app.get('/page.js', (_request, response) => response.type('js').send('document.title = "Express runs"'))
app.get('/asked', (request, response) => response.json({
  path: request.originalUrl, cookie: request.headers.cookie ?? null,
  at: request.protocol + '://' + request.get('x-forwarded-host'), authorization: request.headers.authorization ?? null,
}))
app.all('/method', (request, response) => response.json({ method: request.method, body: request.body ?? null }))
app.get('/login', (_request, response) => response.redirect('/#in'))
app.get('/stream', (request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  let n = 0
  const timer = setInterval(() => response.write('data: ' + (n += 1) + '\\n\\n'), 20)
  request.on('close', () => clearInterval(timer))
})
app.get('/graphql', (_request, response) => response.send('of the service'))
app.get('/worker.js', (_request, response) => response.type('js').send('self.addEventListener("fetch", () => {})'))
app.listen(process.env.PORT, '127.0.0.1')
`

/** An Express page as somebody would deploy it, with its dependencies in the archive. */
export const expressPage = (): Record<string, string> => ({
  ...packed('express'),
  'main.mjs': main,
})
