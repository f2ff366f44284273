import { afterAll, beforeAll, expect, test } from 'vitest'
import { LogPage } from '../../testkit/operations/streams.ts'
import { streamApp, type LogOwner, type StreamApp } from '../../testkit/stream-app.ts'
import { until } from '../../testkit/until.ts'
import { followLog, linesOf, logPage } from './follow.ts'

const lines = [
  'Istanbul',
  'ISTANBUL',
  'İstanbul',
  'ıstanbul',
  'Straße',
  'STRAẞE',
  'STRASSE',
  'ΟΔΟΣ',
  'οδος',
  'οδοσ',
  '273 K', // the sign for Kelvin
  '273 k',
  'Ångström', // the sign for Ångström
  'ångström',
  'a\u030Angstrom', // å of two characters
  'ſet',
  'SET',
  'ﬁle',
  'FILE',
  'Ǆ ǅ ǆ',
  'Deseret 𐐀',
  'deseret 𐐨',
  'ΐ and ΐ',
  '😀 Done',
  '😁 done',
  String.raw`NUL \x00 and \xFF`,
  '100 % of a_b',
  '100 parts of a-b',
  String.raw`C:\dir`,
  'C:/dir',
  '[x]{2}(a|b)*^$.+?',
  '***:ARE',
  '(?i)flag',
  'Loading\rDone',
  'a\tB',
]

let app: StreamApp
let service: LogOwner
let end: string | null
beforeAll(async () => {
  app = await streamApp()
  service = await app.service()
  await app.print(service, lines)
  end = (await logPage(app.admin, { id: service.id, last: 1 })).pageInfo.endCursor
})
afterAll(() => app.close())

const stored = async (text: string): Promise<string[]> =>
  (await logPage(app.admin, { id: service.id, filter: { text } })).nodes.map((line) => line.text)

async function live(text: string): Promise<string[]> {
  const following = followLog(app.admin, {
    serviceId: service.id,
    filter: { text },
    after: 'start',
  })
  await until(() => following.results.at(-1)?.extensions?.['cursor'] === end)
  following.stop()
  return linesOf(following).map((line) => line.text)
}

const found: [string, string[]][] = [
  ['ISTANBUL', ['Istanbul', 'ISTANBUL']],
  ['istanbul', ['Istanbul', 'ISTANBUL']],
  ['İstanbul', ['İstanbul']],
  ['ıstanbul', ['ıstanbul']],
  ['STANBUL', ['Istanbul', 'ISTANBUL', 'İstanbul', 'ıstanbul']],
  ['straße', ['Straße', 'STRAẞE']],
  ['STRAẞE', ['Straße', 'STRAẞE']],
  ['strasse', ['STRASSE']],
  ['οδος', ['ΟΔΟΣ', 'οδος', 'οδοσ']],
  ['ΟΔΟΣ', ['ΟΔΟΣ', 'οδος', 'οδοσ']],
  ['3 k', ['273 K', '273 k']],
  ['Ångström', ['Ångström', 'ångström']],
  ['a\u030A', ['a\u030Angstrom']],
  ['set', ['ſet', 'SET']],
  ['file', ['FILE']],
  ['ﬁ', ['ﬁle']],
  ['ǆ ǆ ǆ', ['Ǆ ǅ ǆ']],
  ['DESERET 𐐨', ['Deseret 𐐀', 'deseret 𐐨']],
  ['ΐ AND', ['ΐ and ΐ']],
  ['😀 DONE', ['😀 Done']],
  ['done', ['😀 Done', '😁 done', 'Loading\rDone']],
  [String.raw`\X00`, [String.raw`NUL \x00 and \xFF`]],
  [String.raw`\xff`, [String.raw`NUL \x00 and \xFF`]],
  ['%', ['100 % of a_b']],
  ['A_B', ['100 % of a_b']],
  [String.raw`c:\D`, [String.raw`C:\dir`]],
  [String.raw`\d`, [String.raw`C:\dir`]],
  ['[X]{2}(A|B)*^$.+?', ['[x]{2}(a|b)*^$.+?']],
  ['***:are', ['***:ARE']],
  ['(?I)F', ['(?i)flag']],
  ['g\rd', ['Loading\rDone']],
  ['\tb', ['a\tB']],
  ['.*', []],
  ['', lines],
]

test.concurrent.each(found)(
  '%j is found in any case, alike in what is stored and what is followed',
  async (text, wanted) => {
    expect(await stored(text)).toEqual(wanted)
    expect(await live(text)).toEqual(wanted)
  },
)

test('each text is found by all of it, by its upper and by its lower case, alike in both', async () => {
  for (const line of lines) {
    expect(await stored(line)).toContain(line)
    for (const text of [line, line.toUpperCase(), line.toLowerCase()])
      expect([text, await live(text)]).toEqual([text, await stored(text)])
  }
})

test('a text that no line can contain, or that is too long, is refused', async () => {
  for (const text of ['\0', '\ud800', 'x'.repeat(1_001)]) {
    const { errors } = await app.admin.execute(LogPage, { id: service.id, filter: { text } })
    expect(errors?.[0]?.extensions?.['code']).toBe('BAD_REQUEST')
    const following = followLog(app.admin, { serviceId: service.id, filter: { text } })
    await until(() => following.over)
    expect(following.results[0]?.errors?.[0]?.extensions?.['code']).toBe('BAD_REQUEST')
  }
})
