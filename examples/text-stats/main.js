/** Counts of a text, read as it comes. A handler for Millrace: a Request in, a Response out. */
export async function handler(request) {
  let characters = 0
  let lines = 0
  let words = 0
  let isInWord = false
  let isOpenLine = false
  for await (const text of request.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    for (const character of text) {
      const isSpace = /\s/.test(character)
      characters++
      if (!isSpace && !isInWord) words++
      if (character === '\n') lines++
      isInWord = !isSpace
      isOpenLine = character !== '\n'
    }
  }
  if (isOpenLine) lines++ // the last line needs no line feed
  console.log(`counted ${words} words`)
  return Response.json({ characters, words, lines })
}
