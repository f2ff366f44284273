import { request as rawRequest } from 'node:http'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { until } from '../../../testkit/until.ts'
import { handlerUnderTest, hasLibraries } from './handler.ts'

/*
 * Handlers that were written for ABEJA's own runtime (abejaruntime 1.1.1 on PyPI, whose answers these are, but where it
 * says otherwise; contract abeja 4.3).
 */

describe("a handler of ABEJA's runtime", () => {
  const { call, url, asking, printed } = handlerUnderTest(
    { kind: 'python', handler: 'dialect:handler' },
    'dialect.py',
  )
  const post = (mode: string, body = 'abcdef') =>
    call(mode, { method: 'POST', body, headers: { 'content-type': 'text/x-case' } })
  const bytesOf = async (mode: string, body?: string) => {
    const answer = await post(mode, body)
    expect(answer.status).toBe(200)
    return Buffer.from(await answer.arrayBuffer()).toString('latin1')
  }
  const textOf = async (mode: string, body?: string) =>
    Buffer.from(await bytesOf(mode, body), 'latin1').toString()

  test('finds the request to be a mapping', async () => {
    const keys = ['content_type', 'contents', 'headers', 'http_headers', 'http_method']
    expect(await (await post('mapping')).json()).toEqual({
      keys,
      dict: keys,
      method: 'POST',
      none: 'none',
      metadata: null,
      has: [true, false],
    })
  })

  test('finds headers by name in any case, and each of their values', async () => {
    const request = rawRequest(url(), { headers: asking('http_headers') })
    request.setHeader('X-Some', ['one', 'two'])
    request.end()
    const answered = await new Promise<AsyncIterable<Buffer>>((resolve) =>
      request.on('response', resolve),
    )
    const { names, ...found } = JSON.parse(await text(answered)) as { names: unknown[] }
    expect(found).toEqual({
      last: ['two', 'two', 'two'],
      none: [null, 1, false, false],
      all: [['one', 'two'], []],
      pairs: [
        ['x-some', 'one'],
        ['x-some', 'two'],
      ],
      old: [['one', 'two']],
    })
    const [count] = names
    expect(names).toEqual([count, count, count, 'two'])
  })

  test('reads a part, and closes it', async () => {
    expect(await (await post('parts')).json()).toEqual({
      keys: ['body', 'content_type', 'file_name', 'form_name', 'metadata'],
      pieces: ['ab', 'cdef', ''],
      get: null,
    })
    expect(await textOf('closed')).toBe('the body is closed')
  })

  test('reads the query of a GET as it was sent', async () => {
    const headers = { 'content-type': 'application/json' }
    const type = 'application/x-www-form-urlencoded'
    const fields = [
      ['a', '1'],
      ['b', 'ä'],
    ]
    const answer = await call('query', { headers }, '/?a=1&b=%C3%A4')
    expect(await answer.json()).toEqual({ type, parts: fields, read: 'a=1&b=%C3%A4' })
    expect(await (await call('query')).json()).toEqual({ type, parts: [[null, '']], read: '' })
  })

  test('may use a body as any file, its name and descriptor too', async () => {
    expect(await (await post('files', 'one\ntwo')).json()).toEqual({
      first: 'one\n',
      copy: 'one\ntwo',
      rest: 'e\ntwo',
      peek: 'e',
    })
  })

  test('may print the request', async () => {
    expect(await textOf('shown')).toMatch(
      /^\{'http_method': 'POST', 'content_type': 'text\/x-case'/,
    )
  })

  test.each([
    [
      'dates',
      '{"at": "2019-01-02T03:04:05", "utc": "2019-01-02T03:04:05+00:00", "day": "2019-01-02", "time": "03:04:05"}',
    ],
    // lists of numbers and empty ones stay what they are; there they would be dicts
    [
      'key_values',
      '{"apple": 103, "orange": 250}\n{"apple": 345, "orange": 87}\n[[1, 2], [3, 4]]\n[]',
    ],
    ['texts', 'a\nbc\nd\n{"é": 1}e\n2\nnull'],
    ['raw_array', 'abc'],
    ['csv', 'a,b\r\n1,"x,""y"""\r\n,2.5\r\nä,\r\n'],
    // there a row can be a dict only
    ['csv_rows', 'a,b\r\n1,2\r\n3,4\r\n'],
    ['csv_text', 'a,b\n1,2'],
    ['mappings', '{"a": {"b": 1}}'],
    ['empty', ''],
    ['halves', String.raw`{"half": "\ud83d"}`],
    ['untouched', ''],
    // whoever writes it as a text gets what was asked for
    ['own_nan', '{"loss": NaN}'],
  ])('%s are written as there', async (mode, expected) => {
    expect(await textOf(mode)).toBe(expected)
  })

  test('may name its type among the headers', async () => {
    const answer = await post('typed')
    expect(answer.headers.get('content-type')).toBe('text/html')
    expect(await answer.text()).toBe('<p>')
  })

  test('has its bytes sent as they are, where there they would be numbers', async () => {
    expect(await bytesOf('raw')).toBe('\u00ff\0a')
  })

  test.each([
    [
      'nan',
      'ValueError: content.losses.1 is nan, which JSON has no word for: give None, or a text',
    ],
    ['late_infinity', 'ValueError: content.1.loss is -inf, which JSON has no word for'],
    ['a_set', 'TypeError: content.0.labels is a set, which JSON cannot hold'],
    ['a_key', 'TypeError: content.a has a tuple for a key, which JSON cannot hold'],
    ['deep', 'is nested more than 200 deep'],
    ['csv_more', "ValueError: a row of the CSV has 'b', which the first row has not"],
    ['csv_number', 'TypeError: a row of the CSV is int: give a dict or a list'],
    ['first_runtime', 'TypeError: the handler is a generator, as in the first runtime of ABEJA'],
  ])('that returns %s is told in its log, and answered 500', async (mode, why) => {
    const answer = await post(mode)
    expect(answer.status).toBe(500)
    expect(await answer.json()).toEqual({ status: 'unexpected error occurred' })
    await until(() => printed().some((line) => line.includes(why)))
  })

  describe.skipIf(!hasLibraries('numpy', 'pandas'))('with numpy and pandas', () => {
    test.each([
      [
        'numpy_values',
        '{"float32": 0.5, "int64": 7, "bool": true, "long": 1.5, "array": [[1.5, 2.0], [3.0, 4.0]], ' +
          '"texts": ["a", "b"], "mixed": [1, "a", null, 2], "days": ["2019-01-02T00:00:00"], "counts": {"3": 2, "5": 1}}',
      ],
      ['numpy_array', '[[1, 2], [3, 4]]'],
      ['numpy_elements', '[1, 2]\n0.5\n{"n": 1}'],
      ['numpy_csv', '1,2\r\n3,4\r\n'],
      ['numpy_bytes', '\u0001\u0002'],
      [
        'pandas_values',
        '{"result": [[1.0, 2.5], [3.0, 4.0]], "field": ["a", "b"], "a": [1, 3], "at": "1970-01-01T00:00:00"}',
      ],
    ])('%s become JSON', async (mode, expected) => {
      expect(await textOf(mode, 'a,b\n1,2.5\n3,4\n')).toBe(expected)
    })

    test.each([
      ['numpy_nan', 'ValueError: content.scores.0.1 is nan'],
      ['pandas_nat', 'ValueError: content.at.1 is NaT'],
      ['pandas_table', 'TypeError: content is a DataFrame: give its .values, or a text'],
    ])('%s is told in the log', async (mode, why) => {
      expect((await post(mode)).status).toBe(500)
      await until(() => printed().some((line) => line.includes(why)))
    })
  })
})
