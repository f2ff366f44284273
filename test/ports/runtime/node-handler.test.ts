import { Agent, request as rawRequest } from 'node:http'
import { describe, expect, test } from 'vitest'
import { until } from '../../../testkit/until.ts'
import { handlerUnderTest } from './handler.ts'

describe('a Node.js handler', () => {
  const { call, url, asking, printed, start } = handlerUnderTest(
    { kind: 'node', handler: 'main:handler' },
    'main.mjs',
  )

  test('gets a body and answers one, byte for byte', async () => {
    const bytes = Uint8Array.from({ length: 3_000_000 }, (_, index) => index * index)
    const answer = await call('echo', { method: 'POST', body: bytes })
    expect(answer.status).toBe(201)
    expect(answer.headers.get('x-a')).toBe('b')
    expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true)
  })

  test('streams both ways: an answer begins before the request ends', async () => {
    const request = rawRequest(url(), { method: 'POST', headers: asking('talk') })
    request.write('first')
    const heard: string[] = []
    request.on('response', (answer) => {
      answer.on('data', (chunk: Buffer) => {
        heard.push(chunk.toString())
        if (heard.length === 1) request.end('second')
      })
    })
    await until(() => heard.join() === 'first,second')
  })

  test('sees method and address', async () => {
    const answer = await call('url', { method: 'DELETE' }, '/a/b?c=d')
    expect(await answer.text()).toBe(`DELETE ${url()}/a/b?c=d`)
  })

  test('answers headers that come more than once, and HEAD without a body', async () => {
    const answer = await call('cookies', { method: 'HEAD' })
    expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
  })

  test('need not read what it was sent', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    for (let turn = 0; turn < 2; turn++) {
      const status = await new Promise((resolve, reject) => {
        const request = rawRequest(url(), {
          method: 'POST',
          agent,
          headers: asking('ignores'),
        })
        request.on('error', reject)
        request.on('response', (answer) =>
          answer.resume().on('end', () => resolve(answer.statusCode)),
        )
        request.end(Buffer.alloc(3_000_000))
      })
      expect(status).toBe(200)
    }
    agent.destroy()
  })

  test('that fails is a 500, with the stack in the log', async () => {
    for (const mode of ['throws', 'none']) {
      const answer = await call(mode)
      expect(answer.status).toBe(500)
      expect(await answer.json()).toEqual({ status: 'unexpected error occurred' })
    }
    await until(() => printed().includes('Error: boom'))
    await until(() => printed().includes('TypeError: The handler returned no Response.'))
  })

  test('that fails in the middle of its answer breaks it off', async () => {
    const answer = await call('late')
    await expect(answer.text()).rejects.toThrow()
    await until(() => printed().includes('Error: late'))
  })

  test('that is stopped finishes its requests and takes no other', async () => {
    const instance = await start()
    const running = fetch(instance.url, { headers: asking('slow', {}, instance) })
    await until(() => printed(instance).includes('slow begins'))
    const stopped = instance.stop(20_000)
    await until(async () => !(await instance.check(new AbortController().signal)))
    expect(await (await running).text()).toBe('done')
    expect(await stopped).toEqual({ code: 0, signal: null })
  })
})
