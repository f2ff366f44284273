/** Bytes of a value as JSON in UTF-8, without writing it: what is written and thrown away fills the memory of many. */
export function jsonBytes(value: unknown): number {
  if (typeof value === 'string') return textBytes(value)
  if (Array.isArray(value))
    return value.reduce((sum: number, one: unknown) => sum + jsonBytes(one) + 1, 2)
  if (typeof value !== 'object' || value === null || 'toJSON' in value)
    return Buffer.byteLength(JSON.stringify(value) ?? 'null')
  let sum = 2
  for (const [name, one] of Object.entries(value)) sum += textBytes(name) + jsonBytes(one) + 2
  return sum
}

function textBytes(text: string): number {
  let bytes = 2
  for (let at = 0; at < text.length; at += 1) bytes += charBytes(text.charCodeAt(at))
  return bytes
}

/** Of one UTF-16 unit; each half of a pair is two of four bytes, alone it is written as six, which none of ours is. */
function charBytes(unit: number): number {
  if (unit >= 0x80) return unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 2 : 3
  if (unit >= 0x20) return unit === 0x22 || unit === 0x5c ? 2 : 1
  return SHORT.has(unit) ? 2 : 6
}

/** Those that JSON writes with a letter: backspace, tab, line feed, form feed, carriage return. */
const SHORT = new Set([8, 9, 10, 12, 13])
