import { StringDecoder } from 'node:string_decoder'

/** Longest line, in characters; longer ones become several, so that a stream without line ends needs no memory. */
const MAX_LINE = 65_536

/** The lines of a stream of UTF-8, without their ends. The stream is read only as fast as they are taken. */
export async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<string, void, void> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  for await (const chunk of stream) {
    const lines = (rest + decoder.write(chunk)).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) yield line.replace(/\r$/, '')
    if (rest.length > MAX_LINE) {
      yield rest
      rest = ''
    }
  }
  rest += decoder.end()
  if (rest !== '') yield rest
}
