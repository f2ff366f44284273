import { GraphQLError, parse, specifiedRules, validate, type DocumentNode } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import type { Config } from '../../config.ts'
import type { Context } from '../../context.ts'
import type { DocumentCache } from '../document-cache.ts'
import { withCode } from '../mask.ts'
import { measure } from './measure.ts'
import { tooComplex } from './refusal.ts'
import { boundRepeats } from './repeats.ts'
import { forViewer } from './suggestions.ts'

/** How every door parses and validates. Doors beside Yoga's take both from `yoga.getEnveloped()`. */
export const documents = (cache: DocumentCache): Plugin<Context> => ({
  onParse: ({ setParseFn }) => setParseFn((source) => cache.parse(textOf(source))),
  onValidate({ setValidationFn, context }) {
    setValidationFn((schema, document, rules, ...more) =>
      isStandard(rules)
        ? cache.validate(schema, document)
        : validate(schema, document, rules, ...more),
    )
    return ({ result, setResult }) =>
      setResult(result.map((error) => forViewer(context.viewer, withCode(error))))
  },
})

/** Whether they are GraphQL's own, which Yoga names one by one: then a document need not be checked again. */
const isStandard = (rules: readonly unknown[] | undefined): boolean =>
  rules === undefined ||
  (rules.length === specifiedRules.length && rules.every((rule, n) => rule === specifiedRules[n]))

const textOf = (source: string | { body: string }): string =>
  typeof source === 'string' ? source : source.body

/** Throws a syntax error, or TOO_COMPLEX before anything that would take long is done with the document. */
export function parseWithin(
  text: string,
  { maxTokens, maxDepth, maxAliases }: Config,
): DocumentNode {
  try {
    const document = parse(text, { maxTokens })
    measure(document, { depth: maxDepth, aliases: maxAliases })
    boundRepeats(document)
    return document
  } catch (cause) {
    // so deep that the parser, which calls itself, has no stack left
    if (cause instanceof RangeError) throw tooComplex('The document is nested too deep.')
    if (cause instanceof GraphQLError && cause.message.includes('Document contains more that'))
      throw tooComplex(`A document has at most ${maxTokens} tokens (MAX_TOKENS).`)
    throw cause instanceof GraphQLError ? withCode(cause) : cause
  }
}
