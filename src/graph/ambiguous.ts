import {
  getNamedType,
  getNullableType,
  GraphQLID,
  isInputObjectType,
  isListType,
  type GraphQLInputType,
} from 'graphql'
import { ValidationError, type Ambiguous } from '../kit/errors.ts'

/** What a mutation answers for a name in its input that means several objects. */
export function asViolation(
  error: Ambiguous,
  type: GraphQLInputType,
  input: unknown,
): ValidationError {
  const { noun, text, message } = error
  const places = [...placesOf(type, input, text)]
  const path = places.find((place) => isFor(noun, place)) ?? places[0] ?? []
  return new ValidationError([{ path, message, rule: 'ambiguous' }])
}

/** Whether the field at a place is called after the noun: one text may be the name of two things in one input. */
const isFor = (noun: string, place: readonly string[]): boolean =>
  place.some((field) => field.startsWith(noun))

/** Where a text stands in an input as the name of an object. */
function* placesOf(type: GraphQLInputType, value: unknown, text: string): Generator<string[]> {
  const inner = getNullableType(type)
  if (isListType(inner) && Array.isArray(value)) {
    for (const [place, one] of value.entries())
      for (const path of placesOf(inner.ofType, one, text)) yield [String(place), ...path]
  } else if (isInputObjectType(inner) && typeof value === 'object' && value !== null) {
    for (const [name, field] of Object.entries(inner.getFields()))
      for (const path of placesOf(field.type, (value as Record<string, unknown>)[name], text))
        yield [name, ...path]
  } else if (value === text && getNamedType(inner) === GraphQLID) yield []
}
