import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Client } from '../../testkit/client.ts'
import type { ServiceLogsSubscription } from '../../testkit/generated/graphql.ts'
import { testDatabase, type TestDatabase } from '../../testkit/database/database.ts'
import { onServer } from '../../testkit/database/template.ts'
import { look, remove, StartService, stop } from '../../testkit/operations/services.ts'
import { ServiceLogs } from '../../testkit/operations/streams.ts'
import { countedIn, dense } from '../../testkit/seed/counted.ts'
import { counter } from '../../testkit/seed/programs.ts'
import { becomes, linesOf, runningService } from '../../testkit/seed/services.ts'
import { TestServer } from '../../testkit/server.ts'
import { until } from '../../testkit/until.ts'
import { follow, type Following } from '../streams/follow.ts'

/** How many lines a service's log has. */
const lengthOf = async (client: Client, id: string) => (await linesOf(client, id)).length

/*
 * Output that cannot be stored yet, because the database has no room for it. Nobody waits for it but the log.
 */
describe.runIf(process.env['TEST_DATABASE_URL'] !== undefined)(
  'while no output can be stored',
  () => {
    let database: TestDatabase
    let server: TestServer
    beforeAll(async () => {
      database = await testDatabase()
      server = new TestServer(database)
      await server.start()
      await sql(`CREATE FUNCTION "full"() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = 'disk_full'; END $$`)
    })
    afterAll(async () => {
      await server.end('SIGKILL')
      await database.drop()
    })

    const sql = (text: string) => onServer(database.url ?? '', (client) => client.query(text))
    const fill = () =>
      sql(`CREATE TRIGGER "Full" BEFORE INSERT ON "LogLine" EXECUTE FUNCTION "full"()`)
    const makeRoom = () => sql(`DROP TRIGGER "Full" ON "LogLine"`)

    describe('and the server is killed', () => {
      let id: string
      let deleted: Awaited<ReturnType<typeof runningService>>
      let followed: Following<ServiceLogsSubscription>
      const followedLines = () =>
        followed.results.flatMap(({ data }) => data?.serviceLogs.lines ?? [])
      beforeAll(async () => {
        const started = () => runningService(server.admin, counter.files)
        const [kept, other] = await Promise.all([started(), started()])
        id = kept.id
        deleted = other
        for (const one of [kept, other])
          await until(async () => (await lengthOf(server.admin, one.id)) > 20)
        await fill()
        const stored = await lengthOf(server.admin, id)

        await remove(server.admin, deleted.id)
        await stop(server.admin, id)
        await becomes(server.admin, id, 'STOPPED')
        expect((await look(server.admin, id))?.instances).toEqual([])
        await until(async () => (await look(server.admin, deleted.id)) === null)
        await server.admin.request(StartService, { input: { id } })
        await becomes(server.admin, id, 'READY')
        await server.end('SIGKILL')
        await server.start()
        await becomes(server.admin, id, 'READY')
        expect(await lengthOf(server.admin, id)).toBe(stored)
        followed = follow(server.admin, ServiceLogs, { serviceId: deleted.id, after: 'start' })
        await until(() => followedLines().length > 20)
        await makeRoom()
      })

      test('stopping, starting and the next server have waited for no output, and the log has all of it in order', async () => {
        await until(async () => countedIn(await linesOf(server.admin, id)).size === 3)
        await stop(server.admin, id)
        await becomes(server.admin, id, 'STOPPED')
        const lines = await linesOf(server.admin, id)
        expect(lines.map(({ number }) => number)).toEqual(dense(lines.length))
        const counted = countedIn(lines)
        for (const numbers of counted.values()) expect(numbers).toEqual(dense(numbers.length))
        const printers = lines.map(({ text }) => text.split(' ')[0])
        const turns = printers.filter((name, place) => name !== printers[place - 1])
        expect(turns).toEqual([...counted.keys()])
        await remove(server.admin, id)
      })

      test('the log of a service that was deleted before ends behind its last line', async () => {
        await until(() => followed.over)
        const lines = followedLines()
        expect(followed.results.at(-1)?.data?.serviceLogs.end).toEqual({ lastNumber: lines.length })
        expect(lines.map(({ number }) => number)).toEqual(dense(lines.length))
        for (const numbers of countedIn(lines).values())
          expect(numbers).toEqual(dense(numbers.length))
        const { rows } = await sql(
          `SELECT head::int FROM "LogHead" WHERE stream = (SELECT id FROM "Service" WHERE handle = '${deleted.handle}')`,
        )
        expect(rows).toEqual([{ head: lines.length }])
      })
    })

    test('an instance that crashes is started again before its output is stored, as another one', async () => {
      const files = {
        'main.py': `${counter.files['main.py']}
import os
def handler(request, context):
    if request.read() == b"die":
        os._exit(7)
    return {"content": me}
`,
      }
      const { id, invokeUrl } = await runningService(server.admin, files)
      const call = async (body: string) => {
        const headers = server.admin.headers
        const answer = await fetch(invokeUrl, { method: 'POST', headers, body })
        return answer.ok ? answer.text() : undefined
      }
      const first = await call('who')
      await until(async () => (await linesOf(server.admin, id)).length > 20)
      await fill()
      expect(await call('die')).toBeUndefined()
      await until(async () => ![first, undefined].includes(await call('who')))
      expect((await look(server.admin, id))?.instances).toMatchObject([
        { ordinal: 0, status: 'READY', restarts: 1 },
      ])
      await makeRoom()
      await until(async () => countedIn(await linesOf(server.admin, id)).size === 2)
      await stop(server.admin, id)
      await becomes(server.admin, id, 'STOPPED')
      const lines = await linesOf(server.admin, id)
      for (const numbers of countedIn(lines).values())
        expect(numbers).toEqual(dense(numbers.length))
      const ours = lines.filter(
        ({ source, text }) => source === 'SYSTEM' && !text.startsWith('POST'),
      )
      expect(ours.map(({ text }) => text)).toEqual([
        'instance 0 exited with code 7; starting it again in 0.5 s',
      ])
      const said = lines.findIndex(({ number }) => number === ours[0]?.number)
      expect(countedIn(lines.slice(0, said)).size).toBe(1)
      expect(countedIn(lines.slice(said)).size).toBe(1)
      await remove(server.admin, id)
    })
  },
)
