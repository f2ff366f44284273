import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { handlerUnderTest, hasLibraries } from './handler.ts'

/* Handlers with real libraries, in the shapes of ABEJA's public templates (contract abeja 4.3). */

const picture = readFileSync(new URL('../../../examples/image-stats/picture.png', import.meta.url))

describe.skipIf(!hasLibraries('sklearn', 'pandas'))('a model for tables', () => {
  const { call } = handlerUnderTest({ kind: 'python', handler: 'tabular:handler' }, 'tabular.py')
  const table = 'length,name,width\n1.5,a,0.75\n4,b,2\n3.5,c,1.75\n'
  const ask = (body: string, accept = '*/*') =>
    call('', { method: 'POST', body, headers: { 'content-type': 'text/csv', accept } })

  test('answers with its arrays as JSON', async () => {
    const answer = await ask(table)
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf8')
    expect(await answer.json()).toEqual({
      result: [
        [1.5, 0.75, 0],
        [4, 2, 1],
        [3.5, 1.75, 1],
      ],
      field: ['length', 'width', 'pred'],
      likely: [expect.any(Number), expect.any(Number), expect.any(Number)],
      counts: { 0: 1, 1: 2 },
    })
  })

  test('answers with rows of CSV to whoever wants them', async () => {
    const answer = await ask(table, 'text/csv')
    expect(await answer.text()).toBe(
      'length,width,pred\r\n1.5,0.75,0\r\n4.0,2.0,1\r\n3.5,1.75,1\r\n',
    )
  })

  test('refuses in its own words what it cannot read', async () => {
    const answer = await ask('a,b\n1,2\n')
    expect(answer.status).toBe(400)
    expect(await answer.json()).toEqual({ message: expect.stringContaining('length') })
  })
})

describe.skipIf(!hasLibraries('numpy', 'PIL'))('a classifier of pictures', () => {
  const { call } = handlerUnderTest({ kind: 'python', handler: 'pictures:handler' }, 'pictures.py')
  // 3 x 2 pixels, of which two are blue
  const pixels = Buffer.from(`P6 3 2 255\n${'\0'.repeat(9)}${'\0\0\u007f'.repeat(2)}\0\0\0`)

  test('reads a picture from each part, and answers with labels, numbers and boxes', async () => {
    const form = new FormData()
    form.append('one', new Blob([pixels], { type: 'image/x-portable-pixmap' }), 'one.ppm')
    form.append('two', new Blob([picture], { type: 'image/png' }), 'two.png')
    const answer = await call('', { method: 'POST', body: form })
    expect(await answer.json()).toEqual({
      pictures: [
        {
          name: 'one',
          result: [
            { label: 'blue', probability: 1 },
            { label: 'red', probability: 0 },
            { label: 'green', probability: 0 },
          ],
          best: 2,
          isSure: true,
          box: [0, 1, 2, 2],
        },
        expect.objectContaining({ name: 'two', box: [0, 0, 24, 16], isSure: false }),
      ],
    })
  })

  test('says what is no picture', async () => {
    const answer = await call('', { method: 'POST', body: 'text' })
    expect([answer.status, await answer.text()]).toEqual([400, 'None is no picture'])
  })
})
