import { request as rawRequest } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { until } from '../../../testkit/until.ts'
import { handlerUnderTest } from './handler.ts'

/* What a handler is given and may answer (contract abeja 4.3). */

const FAILURE = { status: 'unexpected error occurred' }

describe('a Python handler', () => {
  const { call, url, asking, printed, printedAtEnd, start } = handlerUnderTest(
    { kind: 'python', handler: 'main:handler' },
    'main.py',
  )
  const post = (
    mode: string,
    body: RequestInit['body'] = 'x',
    headers: Record<string, string> = {},
  ) => call(mode, { method: 'POST', body, headers })

  test('reads the body byte for byte, whole or in pieces', async () => {
    const bytes = Uint8Array.from({ length: 3_000_000 }, (_, index) => index * index)
    const echoed = await post('echo', bytes, { 'content-type': 'image/png' })
    expect(echoed.headers.get('content-type')).toBe('image/png')
    expect(Buffer.from(await echoed.arrayBuffer()).equals(bytes)).toBe(true)
    expect(await (await post('pieces', 'abcdefgh')).text()).toBe('ab|cde|fgh')
  })

  test('reads a body that comes in chunks, and one without a content type', async () => {
    const request = rawRequest(url(), { method: 'PUT', headers: asking('described') })
    request.write('one')
    request.end('two')
    const answered = await new Promise<AsyncIterable<Buffer>>((resolve) =>
      request.on('response', resolve),
    )
    expect(JSON.parse(await text(answered))).toEqual({
      type: 'application/octet-stream',
      parts: [[null, null, 'application/octet-stream', 6]],
    })
  })

  test('gets the parts of a form', async () => {
    const form = new FormData()
    form.append('name', 'größe')
    form.append('empty', '')
    form.append(
      'picture',
      new Blob([new Uint8Array(200_000).fill(13)], { type: 'image/png' }),
      'ä.png',
    )
    form.append('lines', new Blob(['--a\r\n\r\n--b\r\n'], { type: 'text/csv' }), 'b.csv')
    expect(await (await post('described', form)).json()).toEqual({
      type: 'multipart/form-data',
      parts: [
        ['name', null, 'text/plain', 7],
        ['empty', null, 'text/plain', 0],
        ['picture', 'ä.png', 'image/png', 200_000],
        ['lines', 'b.csv', 'text/csv', 12],
      ],
    })
  })

  test('finds a boundary wherever the blocks it reads are cut', async () => {
    for (let size = 65_536 - 120; size < 65_536 + 10; size += 7) {
      const body = `--XYZ\r\nContent-Disposition: form-data; name="a"\r\n\r\n${'x'.repeat(size)}\r\n--XYZ\r\n\r\nlast\r\n--XYZ--\r\n`
      const answer = await post('described', body, {
        'content-type': 'multipart/form-data; boundary=XYZ',
      })
      expect(await answer.json()).toMatchObject({
        parts: [
          ['a', null, 'text/plain', size],
          [null, null, 'text/plain', 4],
        ],
      })
    }
  })

  test('never sees a form that is cut off', async () => {
    const answer = await post('described', '--XYZ\r\n\r\nhalf', {
      'content-type': 'multipart/form-data; boundary=XYZ',
    })
    expect(answer.status).toBe(400)
    expect(await answer.json()).toEqual({ status: expect.stringContaining('cut off') })
  })

  test('gets the fields of a query as parts', async () => {
    const answer = await call('described', {}, '/?a=1&b=%C3%A4&c=')
    expect(await answer.json()).toMatchObject({
      parts: [
        ['a', null, 'text/plain', 1],
        ['b', null, 'text/plain', 2],
        ['c', null, 'text/plain', 0],
      ],
    })
  })

  test('sees headers by lower-case names, with all their values', async () => {
    const answer = await call('headers', { headers: { 'X-Some': 'Value' } })
    expect(await answer.json()).toMatchObject({ 'x-some': ['Value'], 'x-mode': ['headers'] })
  })

  test('answers with status, content type and headers of its own', async () => {
    const answer = await post('created')
    expect(answer.status).toBe(201)
    expect(answer.headers.get('content-type')).toBe('image/x')
    expect(answer.headers.get('x-b')).toBe('1')
    expect(await answer.text()).toBe('größe')
    const nothing = await post('nothing')
    expect(nothing.headers.get('content-type')).toBe('text/plain')
    expect(await nothing.text()).toBe('')
  })

  test('streams an iterable element by element, texts and JSON on lines of their own', async () => {
    const answer = await post('stream')
    expect(answer.headers.get('transfer-encoding')).toBe('chunked')
    expect(await answer.text()).toBe('bytes,\ntext,\n{"json": 1}\n{"json": 2}')
    expect(await (await post('rows')).text()).toBe('{"n": 1}\n{"n": 2}\n3')
  })

  test('that fails is a 500, with a traceback in the log', async () => {
    for (const mode of ['throws', 'throws_first', 'none', 'injects']) {
      const answer = await post(mode)
      expect(answer.status).toBe(500)
      expect(answer.headers.get('x-evil')).toBeNull()
      expect(await answer.json()).toEqual(FAILURE)
    }
    for (const line of [
      'ValueError: boom',
      'ZeroDivisionError: division by zero',
      'TypeError: the handler returned NoneType, not a dict',
    ])
      await until(() => printed().includes(line))
  })

  test('that fails in the middle of its answer breaks it off', async () => {
    const answer = await post('throws_late')
    await expect(answer.text()).rejects.toThrow()
    await until(() => printed().includes('ValueError: late'))
  })

  test('is asked one request at a time, in its main thread, over many connections', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => post('alone')))
    expect(await Promise.all(answers.map((answer) => answer.text()))).toEqual(Array(8).fill('1'))
    await until(() => printed().filter((line) => line === 'asked POST True').length >= 8)
    expect(printed()).not.toContain('asked POST False')
  })

  test.each([
    ['OPTIONS', undefined],
    ['PATCH', 'abc'],
    ['DELETE', 'abc'],
    ['PROPFIND', 'abc'],
    ['M-SEARCH', undefined],
  ])('is asked with %s, as with any method', async (method, body = '') => {
    const answer = await call('method', { method, body: body === '' ? null : body })
    expect([answer.status, await answer.text()]).toEqual([200, `${method} ${body.length}`])
  })

  test('is asked with HEAD, and keeps connections', async () => {
    const head = await call('created', { method: 'HEAD' })
    expect(head.headers.get('content-length')).toBe('7')
    const socket = connect(Number(new URL(url()).port), '127.0.0.1')
    const headers = { host: 'x', 'content-length': '1', ...asking('echo') }
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    const ask = `POST / HTTP/1.1\r\n${lines.join('')}\r\n`
    socket.write(`${ask}a${ask.replace('host', 'connection: close\r\nhost')}b`)
    expect((await text(socket)).match(/200 OK/g)).toHaveLength(2)
  })

  test('that is stopped finishes its request and takes no other', async () => {
    const instance = await start()
    const running = fetch(instance.url, { headers: asking('slow', {}, instance) })
    await until(() => printed(instance).includes('slow begins'))
    const stopped = instance.stop(20_000)
    await until(async () => !(await instance.check(new AbortController().signal)))
    expect(await (await running).text()).toBe('done')
    expect(await stopped).toEqual({ code: 0, signal: null })
    expect(await printedAtEnd(instance)).toEqual(['asked GET True', 'slow begins'])
  })
})
