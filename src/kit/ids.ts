import { fromUUID, parseTypeId, toUUID, typeidUnboxed } from 'typeid-js'

/** The key of one kind of object: a version 7 UUID, so that keys sort by the time they were made. */
type Id<Noun extends string> = string & { readonly noun?: Noun }

/**
 * One kind of id. Inside the server an object's key is its UUID; outside it is a TypeID, the noun and
 * the UUID in Crockford base 32 (https://github.com/jetify-com/typeid, version 0.3).
 */
export interface IdKind<Noun extends string> {
  readonly noun: Noun
  /** A new key. */
  make(): Id<Noun>
  /** How the outside world writes this key: `svc_01k…`. */
  text(uuid: string): string
  /** The key behind a text, or undefined when the text is not an id of this kind. */
  read(text: string): Id<Noun> | undefined
}

export function idKind<Noun extends string>(noun: Noun): IdKind<Noun> {
  return {
    noun,
    make: () => toUUID(typeidUnboxed(noun)),
    text: (uuid) => fromUUID(uuid, noun),
    read(text) {
      if (!text.startsWith(`${noun}_`)) return undefined
      return uuidOf(text)
    },
  }
}

/** An id of a part of an object that is known by its number: `att_01k….2`, the key of the object and the number. */
export interface PartKind<Noun extends string> {
  readonly noun: Noun
  text(whole: string, number: number): string
  /** The object's key and the number, or undefined when the text is not an id of this kind. */
  read(text: string): { readonly whole: string; readonly number: number } | undefined
}

export function partKind<Noun extends string>(noun: Noun): PartKind<Noun> {
  const wholes = idKind(noun)
  return {
    noun,
    text: (whole, number) => `${wholes.text(whole)}.${number}`,
    read(text) {
      const [, id = '', number] = /^(\w+)\.([1-9]\d{0,8})$/.exec(text) ?? []
      const whole = wholes.read(id)
      return whole === undefined ? undefined : { whole, number: Number(number) }
    },
  }
}

/** The noun a TypeID begins with, or undefined when the text is not a TypeID. */
export function nounOf(text: string): string | undefined {
  return uuidOf(text) === undefined ? undefined : text.slice(0, text.lastIndexOf('_'))
}

function uuidOf(text: string): string | undefined {
  try {
    // typeid-js brands its texts; parsing below is what earns the brand
    const typeId = text as Parameters<typeof toUUID>[0]
    parseTypeId(typeId)
    return toUUID(typeId)
  } catch {
    return undefined // the text is not a TypeID, which is an answer here, not a failure
  }
}
