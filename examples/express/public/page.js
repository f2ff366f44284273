// all addresses are relative, so that the page works wherever the service is reached
const list = document.querySelector('ul')
const form = document.querySelector('form')

async function send(method, path, body) {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) })
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status}`)
  return answer.status === 204 ? undefined : answer.json()
}

function show(notes) {
  const items = notes.map(({ id, text, isDone }) => {
    const box = Object.assign(document.createElement('input'), {
      type: 'checkbox',
      checked: isDone,
    })
    box.addEventListener('change', () => send('PATCH', `notes/${id}`, { isDone: box.checked }))
    const label = document.createElement('label')
    label.classList.toggle('done', isDone)
    label.append(box, ` ${text} `)
    const remove = Object.assign(document.createElement('button'), { textContent: 'Delete' })
    remove.addEventListener('click', () => send('DELETE', `notes/${id}`))
    const item = document.createElement('li')
    item.append(label, remove)
    return item
  })
  list.replaceChildren(...items)
}

form.addEventListener('submit', (event) => {
  event.preventDefault()
  void send('POST', 'notes', { text: form.text.value })
  form.reset()
})

const changes = new WebSocket(new URL('changes', location.href))
changes.addEventListener('message', ({ data }) => show(JSON.parse(data)))
changes.addEventListener('open', async () => show(await send('GET', 'notes')))

const { isFirst, at } = await send('GET', 'visit')
document.querySelector('#greeting').textContent = `${isFirst ? 'Welcome' : 'Welcome back'} to ${at}`
