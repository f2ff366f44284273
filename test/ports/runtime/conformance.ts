import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type OutputLine,
  type Position,
  type Program,
  type RunningInstance,
  type Runtime,
  StartFailed,
} from '../../../src/ports/runtime/runtime.ts'
import { sourceOf } from '../../../testkit/archive.ts'
import { until } from '../../../testkit/until.ts'

const files = {
  'main.js': `
    export const handler = async (request) => new Response(process.env.GREETING + await request.text())
    console.log('hello from the handler')`,
  'package.json': '{"type":"module"}',
  'main.py': `
print('loaded')
def handler(request, context):
    print('asked')
    return {'content': request.read() + b'!'}
`,
}

/** Everything an instance prints, from a position to its end. */
export async function readAll(
  instance: Pick<RunningInstance, 'output'>,
  from: Position = '',
): Promise<{ lines: OutputLine[]; position: Position }> {
  const lines: OutputLine[] = []
  let position = from
  for await (const batch of instance.output(from, new AbortController().signal)) {
    lines.push(...batch.lines)
    position = batch.position
  }
  return { lines, position }
}

export const texts = (lines: readonly OutputLine[]): string[] => lines.map(({ text }) => text)

/** What every Runtime promises; `make` answers a new one, which the suite closes. */
export function conformsToRuntime(name: string, make: () => Promise<Runtime>): void {
  describe(`the ${name} runtime`, () => {
    let runtime: Runtime
    const never = new AbortController().signal
    beforeEach(async () => {
      runtime = await make()
    })
    afterEach(() => runtime.close())

    const start = async (
      program: Program,
      environment: Readonly<Record<string, string>> = {},
    ): Promise<RunningInstance> =>
      runtime.start({
        key: `${randomUUID()}.0`,
        source: await sourceOf(files),
        program,
        user: undefined,
        size: 'cpu-1',
        environment,
      })
    const command = (text: string): Promise<RunningInstance> =>
      start({ kind: 'command', command: text })

    test('serves a Node.js handler, with the environment it was given', async () => {
      const instance = await start({ kind: 'node', handler: 'main:handler' }, { GREETING: 'hi ' })
      await until(() => instance.check(never))
      const response = await fetch(instance.url, {
        method: 'POST',
        headers: instance.headers,
        body: 'you',
      })
      expect(await response.text()).toBe('hi you')
      expect(await instance.stop(10_000)).toEqual({ code: 0, signal: null })
      expect(texts((await readAll(instance)).lines)).toEqual(['hello from the handler'])
    })

    test('serves a Python handler, whose prints are lines', async () => {
      const instance = await start({ kind: 'python', handler: 'main:handler' })
      await until(() => instance.check(never))
      const response = await fetch(instance.url, {
        method: 'POST',
        headers: instance.headers,
        body: 'you',
      })
      expect(await response.text()).toBe('you!')
      expect(await instance.stop(10_000)).toEqual({ code: 0, signal: null })
      expect(texts((await readAll(instance)).lines)).toEqual(['loaded', 'asked'])
    })

    test('is not ready before something listens, and not when it has ended', async () => {
      const instance = await command('exec sleep 600')
      expect(await instance.check(never)).toBe(false)
      await instance.stop(0)
      expect(await instance.check(never)).toBe(false)
    })

    test('tells what a program exits with', async () => {
      const instance = await command('exit 7')
      expect(await instance.exited).toEqual({ code: 7, signal: null })
      expect(await instance.stop(0)).toEqual({ code: 7, signal: null })
    })

    test('tells by which signal a program ended, after the grace was over', async () => {
      const instance = await command('trap "" TERM; echo deaf; while :; do sleep 0.05; done')
      for await (const { lines } of instance.output('', never)) {
        expect(texts(lines)).toEqual(['deaf'])
        break
      }
      expect(await instance.stop(50)).toEqual({ code: null, signal: 'SIGKILL' })
    })

    test('reads on from a position, with no line lost or repeated, and keeps the sources apart', async () => {
      const instance = await command('for i in 1 2 3 4; do echo $i; echo e$i >&2; done; printf end')
      await instance.exited
      const first = await readAll(instance)
      expect(texts(first.lines.filter(({ source }) => source === 'STDOUT'))).toEqual([
        '1',
        '2',
        '3',
        '4',
        'end',
      ])
      expect(texts(first.lines.filter(({ source }) => source === 'STDERR'))).toEqual([
        'e1',
        'e2',
        'e3',
        'e4',
      ])
      expect((await readAll(instance, first.position)).lines).toEqual([])
    })

    test('passes lines on while the program runs, and reads only as asked', async () => {
      const instance = await command(
        'for i in $(seq 2000); do echo $i; done; read never </dev/zero',
      )
      const seen: string[] = []
      let position = ''
      for await (const batch of instance.output('', never)) {
        expect(batch.lines.length).toBeLessThanOrEqual(500)
        seen.push(...texts(batch.lines))
        position = batch.position
        if (seen.length >= 700) break
      }
      for await (const batch of instance.output(position, never)) {
        seen.push(...texts(batch.lines))
        if (seen.length >= 2000) break
      }
      expect(seen).toEqual(Array.from({ length: 2000 }, (_, index) => String(index + 1)))
    })

    test('gives a program standard streams that it can open again, and none that it can empty', async () => {
      const instance = await command(
        `for i in 1 2 3; do echo "out $i"; echo "error $i" >&2; done
        echo 'out 4' > /dev/stdout; echo 'error 4' > /dev/stderr
        echo 'out 5' | tee /dev/stderr; echo 'error 6' | dd of=/dev/stderr status=none
        cat /dev/stdin && echo 'out 6'`,
      )
      const { lines } = await readAll(instance)
      expect(texts(lines.filter(({ source }) => source === 'STDOUT'))).toEqual(
        [1, 2, 3, 4, 5, 6].map((number) => `out ${number}`),
      )
      expect(texts(lines.filter(({ source }) => source === 'STDERR'))).toEqual([
        'error 1',
        'error 2',
        'error 3',
        'error 4',
        'out 5',
        'error 6',
      ])
    })

    test('keeps lines of both streams in their order where something is between them', async () => {
      const instance = await command(
        'for i in 1 2 3; do echo $i; sleep 0.1; echo $i >&2; sleep 0.1; done',
      )
      const { lines } = await readAll(instance)
      expect(texts(lines)).toEqual(['1', '1', '2', '2', '3', '3'])
      expect(lines.map(({ source }) => source)).toEqual(
        [1, 2, 3].flatMap(() => ['STDOUT', 'STDERR']),
      )
    })

    test('shows a line as it is drawn, and keeps what it was in the end', async () => {
      const instance = await command(
        `trap 'printf "\r100%%\r\nend\n"; exit 0' TERM
        printf '  1%%\r  2%%'; while :; do sleep 0.05; done`,
      )
      const seen: OutputLine[] = []
      for await (const { lines } of instance.output('', never)) {
        seen.push(...lines.filter(({ source }) => source === 'STDOUT')) // the shell tells of its sleep
        if (seen.length === 1) void instance.stop(20_000)
      }
      expect(seen).toEqual([
        { source: 'STDOUT', text: '  2%', isUnfinished: true },
        { source: 'STDOUT', text: '100%' },
        { source: 'STDOUT', text: 'end' },
      ])
    })

    test('stops reading when the caller does', async () => {
      const instance = await command('exec sleep 600')
      const caller = new AbortController()
      const reading = instance.output('', caller.signal)[Symbol.asyncIterator]().next()
      caller.abort()
      expect(await reading).toEqual({ value: undefined, done: true })
    })

    test('refuses a source that is no archive, in a sentence for the user', async () => {
      const odd = runtime.start({
        key: 'odd',
        source: {
          sha256: 'a'.repeat(64),
          open: () => Promise.resolve(Readable.from([Buffer.from('just text')])),
        },
        program: { kind: 'command', command: 'true' },
        user: undefined,
        size: 'cpu-1',
        environment: {},
      })
      await expect(odd).rejects.toThrow(StartFailed)
      await expect(odd).rejects.toThrow('This is no archive')
    })

    test('has no leftovers of its own', async () => {
      await command('exec sleep 600')
      expect(await runtime.leftovers()).toEqual([])
    })

    test('gives room back only behind a position', async () => {
      const instance = await command('echo one; echo two')
      await instance.exited
      const { position } = await readAll(instance)
      await instance.release(position)
      expect((await readAll(instance, position)).lines).toEqual([])
      await instance.discard()
    })

    test('starts nothing once it is closed, and everything it started has ended', async () => {
      const instance = await command('exec sleep 600')
      await runtime.close()
      expect((await instance.exited).signal).toMatch(/SIG(TERM|KILL)/)
      await expect(command('true')).rejects.toThrow(StartFailed)
    })
  })
}
