import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { JsonText } from '../kit/json/json.ts'
import { isGiven } from './given.ts'
import { codeOf, Refusal } from './refusal.ts'

/** The parameters of a job: what was given, what a file or stdin holds, or nothing. Throws a Refusal for what is no JSON. */
export async function readParameters({
  data,
  file,
}: {
  readonly data?: string
  readonly file?: string
}): Promise<JsonText | null> {
  if (data !== undefined) return parsed(data, '--data')
  if (file !== undefined) return parsed(await contentOf(file), file)
  const given = isGiven() ? await text(process.stdin) : ''
  return given.trim() === '' ? null : parsed(given, 'stdin')
}

async function contentOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw new Refusal(`The file ${file} does not exist.`)
    throw error
  }
}

function parsed(json: string, from: string): JsonText {
  try {
    return JsonText.read(json)
  } catch {
    throw new Refusal(`${from} is not valid JSON. Write a text as '"text"'.`)
  }
}
