import { createHash, randomUUID } from 'node:crypto'
import { realpath } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import type { OutputLine, RunningInstance, Runtime, ProgramSource } from '../runtime.ts'
import { InTheWay } from './in-the-way.ts'
import { closedAbove } from './place.ts'

/** A machine that has not run a program of three lines by then is not to be waited for. */
const TRIAL_MS = 20_000
const FIRST_PYTHON = '3, 8'

/* What is tried, in one program: each line it prints is one thing that was found. */
const TRIAL = `
set -f
IFS='
'
cd / && cd "$HOME/source" && echo written >written && echo written >"$TMPDIR/written" || exit 1
printf '#!/bin/sh\\n' >run && chmod 700 run && ./run 2>/dev/null || echo noexec
for path in $HIDDEN; do
  if [ -r "$path" ] || { [ -d "$path" ] && [ -x "$path" ]; }; then echo "open $path"; fi
done
version=$("$NODE" -p process.version 2>/dev/null) && echo "node $version"
for path in $PYTHONS; do
  version=$("$path" -c 'import sys
assert sys.version_info >= (${FIRST_PYTHON})
print(sys.version.split()[0])' 2>/dev/null) && echo "python $version $path" && exit 0
done
exit 0`

export interface Tried {
  /** Version of Node.js; undefined where its interpreter cannot be run. */
  readonly node: string | undefined
  /** The first Python that can be run. */
  readonly python: { readonly version: string; readonly path: string } | undefined
  /** Whether programs of an archive cannot be run by their path. */
  readonly isNoexec: boolean
  /** Which of the paths that are to be hidden can be read. */
  readonly open: readonly string[]
}

export interface Trial {
  readonly user: number | undefined
  /** Where working folders are. */
  readonly place: string
  readonly pythons: readonly string[]
  /** What the user must not be able to read. */
  readonly hidden: readonly string[]
}

/** Runs one small program as instances are run, and answers what it found. Throws InTheWay when it could not be run. */
export async function tryOut(
  runtime: Pick<Runtime, 'start'>,
  { user, place, pythons, hidden }: Trial,
): Promise<Tried> {
  const who = user === undefined ? 'the user of the server' : `user ${user}`
  let instance: RunningInstance
  try {
    instance = await runtime.start({
      key: `trial-${randomUUID()}.0`,
      source: await sourceOfTrial(),
      program: { kind: 'command', command: TRIAL },
      user,
      size: '',
      environment: {
        NODE: process.execPath,
        PYTHONS: pythons.join('\n'),
        HIDDEN: hidden.join('\n'),
      },
    })
  } catch (cause) {
    throw await whyNotStarted(cause, who, place)
  }
  const late = new AbortController()
  const ended = instance.exited.finally(() => late.abort())
  const isLate = await Promise.race([
    ended.then(() => false),
    delay(TRIAL_MS, true, { signal: late.signal }).catch(() => false),
  ])
  if (isLate) await instance.stop(0)
  const { code } = await ended
  const lines = await linesOf(instance)
  await instance.discard()
  if (isLate)
    throw new InTheWay(`a program that ${who} was to run did not end in ${TRIAL_MS / 1000} s`)
  if (code !== 0) throw await whyNotEntered(who, place, lines.map(({ text }) => text).join(' '))
  return found(lines)
}

function found(lines: readonly OutputLine[]): Tried {
  const texts = lines.filter(({ source }) => source === 'STDOUT').map(({ text }) => text)
  const told = (name: string): string[] =>
    texts.filter((text) => text.startsWith(`${name} `)).map((text) => text.slice(name.length + 1))
  const [, version, path] = /^(\S+) (.+)$/.exec(told('python')[0] ?? '') ?? []
  return {
    node: told('node')[0]?.replace(/^v/, ''),
    python: version === undefined || path === undefined ? undefined : { version, path },
    isNoexec: texts.includes('noexec'),
    open: told('open'),
  }
}

async function whyNotStarted(cause: unknown, who: string, place: string): Promise<InTheWay> {
  const said = wordsOf(cause)
  const because = (sentence: string): InTheWay => new InTheWay(sentence, { cause })
  if (/\bEINVAL\b/.test(said))
    return because(
      `this user namespace has no ${who} (/proc/self/uid_map): set INSTANCE_USERS to numbers that it has`,
    )
  if (/\bEPERM\b/.test(said)) return because('the server may not change users')
  return whyNotEntered(who, place, said)
}

async function whyNotEntered(who: string, place: string, said: string): Promise<InTheWay> {
  const closed = await closedAbove(`${place}/homes`)
  return new InTheWay(
    closed === undefined
      ? `${who} cannot work in ${place} (${said}): set RUNTIME_DIR to another folder`
      : `${closed} is closed to other users: set RUNTIME_DIR to a folder outside it`,
  )
}

/** Why a user cannot run an interpreter, as far as modes tell. */
export async function whyNotRun(path: string, user: number | undefined): Promise<string> {
  const who = user === undefined ? 'the server' : `user ${user}`
  const leads = await realpath(path).catch(() => path)
  const closed = (await closedAbove(path)) ?? (await closedAbove(leads))
  return `${path} cannot be run by ${who}${closed === undefined ? '' : `: ${closed} is closed to other users`}`
}

const wordsOf = (cause: unknown): string =>
  cause instanceof Error
    ? [cause.message, ...(cause.cause === undefined ? [] : [wordsOf(cause.cause)])].join(' ')
    : String(cause)

async function linesOf(instance: RunningInstance): Promise<OutputLine[]> {
  const lines: OutputLine[] = []
  for await (const batch of instance.output('', new AbortController().signal))
    lines.push(...batch.lines)
  return lines
}

async function sourceOfTrial(): Promise<ProgramSource> {
  const archive = pack()
  archive.entry({ name: 'README', mtime: new Date(0) }, 'A program is tried out here.\n')
  archive.finalize()
  const bytes = gzipSync(await buffer(archive))
  return {
    sha256: createHash('sha256').update(bytes).digest('hex'),
    open: () => Promise.resolve(Readable.from([bytes])),
  }
}
