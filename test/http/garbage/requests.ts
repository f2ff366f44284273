import * as fc from 'fast-check'
import { bodies } from './documents.ts'
import { requestOf, type Garbage } from './wire.ts'

const routes = (id: string): string[] => [
  '/',
  '/graphql',
  '/healthz',
  '/readyz',
  '/metrics',
  '/nothing',
  `/uploads/${id}/source.tgz`,
  `/archives/${id}/source.tgz`,
  `/internal/services/${id}/a`,

  `/deployments/${id}/services/${id}`,
  '/deployments/a/services/b/c',
  '/deployments/a/services/b',
]

const strange = [
  '%00',
  '%ff',
  '%',
  '%zz',
  '..',
  '/../..',
  '%2e%2e',
  '//',
  '///',
  '\xff\xfe',
  '%ed%a0%80',
  ';',
  '*',

  '[',
  ']',
  '{',
  '@',
  ':',
  '\\',
  '%2f',
  '%252f',
  '..%2f..%2fetc%2fpasswd',
  '~',
  '+',
  '%0d%0a',
  "'",
  'a'.repeat(400),
  'a'.repeat(9_000),
  '/a'.repeat(2_000),
  '%41'.repeat(3_000),
]

const queries = [
  '',
  '?',
  '?query=',
  '?query={__typename}',
  '?query=%7B__typename%7D',
  '?query=%',
  '?query=%00',

  '?query=%ff',
  '?query[]=a',
  '?query=a&query=b',
  '?variables=',
  '?query={__typename}&variables=[',

  '?query={__typename}&variables=%7B%22a%22:1e400%7D',
  '?query={__typename}&extensions=%00',
  '?&&&==',

  '?query=mutation{__typename}',
  '?query=subscription{organizationChanged{cursor}}',
  '?token=a&token=b',

  '?signature=%00&expires=1e400',
  '?expires=-1&signature=',
  '?__proto__=1',
  `?${'a=1&'.repeat(1_000)}`,
]

const methods = [
  'GET',
  'POST',
  'PUT',
  'DELETE',
  'PATCH',
  'OPTIONS',
  'HEAD',
  'TRACE',
  'PROPFIND',
  'CONNECT',
  'get',
  'BREW',
  '',
]

const lines = [
  'content-type: none',
  'content-type: ',
  'content-type: application/json; charset=utf-7',

  'content-type: application/json; charset=\xff',
  'content-type: application/graphql',
  'content-type: text/plain',

  'content-type: multipart/form-data',
  'content-type: multipart/form-data; boundary=x',
  'content-type: */*',

  'content-type: application/x-www-form-urlencoded',
  'content-type: application/json, application/json',

  'content-encoding: gzip',
  'content-encoding: br',
  'content-encoding: none',
  'content-encoding: gzip, gzip',

  'accept: ',
  'accept: none',
  'accept: text/event-stream',
  'accept: multipart/mixed',
  'accept: ,,,;q=x',

  'accept: application/graphql-response+json; charset=utf-16',
  `accept: ${'a/b,'.repeat(1_000)}`,

  'host: [',
  'host: a b',
  'host: ',
  'host: %00',
  'host: localhost:999999',
  'host: user@localhost',
  'host: \xff',

  'cookie: \xff=\xff',
  'cookie: millrace=%',
  'cookie: millrace=; millrace=a',
  'cookie: =;;;',
  `cookie: ${'a=b;'.repeat(2_000)}`,

  'origin: null',
  'origin: [',
  'origin: http://evil.example',
  'sec-fetch-site: cross-site',
  'referer: \xff',

  'forwarded: for=[',
  'x-forwarded-for: ,,,',
  'x-forwarded-host: [',
  'x-forwarded-proto: \xff',
  'x-request-id: \xff\xfe',

  'traceparent: 00-zz-zz-zz',
  'traceparent: ',
  'tracestate: =,=',
  'last-event-id: \xff',
  'last-event-id: {"a":1}',

  'range: bytes=-1--1',
  'if-none-match: "',
  'expect: 200-ok',
  'expect: 100-continue',
  'te: trailers',
  'date: x',

  'upgrade: h2c',
  'upgrade: websocket',
  'connection: upgrade',
  'http2-settings: AA',
  'x-http-method-override: PUT',

  'content-length: 5',
  'content-length: -1',
  'content-length: x',
  'content-length: 1e400',
  'content-length: 99999999999999999999',

  'transfer-encoding: chunked',
  'transfer-encoding: gzip, chunked',
  'transfer-encoding: x',
  'transfer-encoding: chunked, chunked',

  '__proto__: 1',
  'constructor: 1',
  'a\0: b',
  'a: b\0',
  ' folded: a',
  ': none',
  'nothing',
  'a : b',
  'x: \x7f',

  `x: ${'x'.repeat(20_000)}`,
  ...Array.from({ length: 3 }, (_, at) => `x: y\r\n`.repeat(500 * (at + 1)) + 'x: z'),
]

const tail = fc.constantFrom(
  '0\r\n\r\n',
  'zz\r\nabc\r\n',
  'ffffffffffffffff\r\na',
  '5\r\nabc',
  '-1\r\n',
  '5;x=\0\r\nabcde\r\n0\r\n\r\n',

  'GET / HTTP/9.9\r\n\r\n',
  '\r\n\r\n\r\n',
  '\0\0\0\0',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  '\x16\x03\x01\x02\x00',
  'GET /graphql HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx',
)

/** Requests to every route that are wrong in their line, their headers, their body, or where they end. */
export function requests(id: string, credential: fc.Arbitrary<string[]>): fc.Arbitrary<Garbage> {
  const odd = fc.constantFrom(...strange)
  const route = fc.constantFrom(...routes(id))
  const target = fc
    .tuple(route, fc.option(odd, { nil: '' }), fc.nat(), fc.constantFrom(...queries))
    .map(([path, bad, at, query]) => {
      const where = at % (path.length + 1)
      return (path.slice(0, where) + bad + path.slice(where) + query).slice(0, 12_000)
    })
  const head = fc.tuple(
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom('GET', 'POST', 'PUT') },
      fc.constantFrom(...methods),
    ),
    fc.oneof({ weight: 1, arbitrary: route }, target),
    credential,
    fc.array(fc.constantFrom(...lines), { maxLength: 3 }),
  )
  const host = ['host: localhost', 'connection: close']
  const body = bodies(id)
  const whole = fc.tuple(head, body).map(([[method, path, who, more], bytes]) => {
    const length = `content-length: ${bytes.length}`
    const named = (name: string): boolean => more.some((line) => line.startsWith(name))
    const own = host.filter((line) => !named(line.slice(0, line.indexOf(':'))))
    // what promises more than comes ends with the caller
    const cut =
      method === 'CONNECT' || // which Node closes
      named('content-length') ||
      named('transfer-encoding') ||
      named('expect') ||
      named('connection')
    return { bytes: requestOf(method, path, [...own, ...who, ...more, length], bytes), cut }
  })
  const chunked = fc.tuple(head, tail).map(([[method, path, who, more], bytes]) => ({
    bytes: requestOf(method, path, [...host, ...who, ...more, 'transfer-encoding: chunked'], bytes),
    cut: true,
  }))
  const truncated = fc.tuple(whole, fc.nat()).map(([{ bytes }, at]) => ({
    bytes: bytes.subarray(0, at % bytes.length),
    cut: true,
  }))
  const pipelined = fc.tuple(whole, whole, tail).map(([one, other, end]) => ({
    bytes: Buffer.concat([one.bytes, other.bytes, Buffer.from(end, 'latin1')]),
    cut: true,
  }))
  const noise = fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => ({
    bytes: Buffer.from(bytes),
    cut: true,
  }))
  return fc.oneof({ weight: 6, arbitrary: whole }, chunked, truncated, pipelined, noise)
}
