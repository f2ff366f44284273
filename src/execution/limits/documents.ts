import {
  GraphQLError,
  parse,
  specifiedRules,
  validate,
  type DocumentNode,
  type GraphQLSchema,
} from 'graphql'
import type { Plugin } from 'graphql-yoga'
import type { Config } from '../../config.ts'
import type { Context } from '../../context.ts'
import { measure } from './measure.ts'
import { tooComplex } from './refusal.ts'
import { withCode } from '../mask.ts'
import { boundRepeats } from './repeats.ts'
import { forViewer } from './suggestions.ts'

/** Documents that are kept, and how many tokens all of them may have: what bounds the memory they take. */
const DOCUMENTS = 1_000
const TOKENS = 200_000
/** A longer text is parsed each time. */
const LENGTH = 65_536

/**
 * How every door parses and validates: within the limits of a document, the same document once. Doors beside Yoga's
 * take both from `yoga.getEnveloped()`.
 */
export function documents(config: Config): Plugin<Context> {
  const known = new Map<string, DocumentNode>()
  const findings = new WeakMap<DocumentNode, readonly GraphQLError[]>()
  let tokens = 0

  const parseOnce = (text: string): DocumentNode => {
    const kept = known.get(text)
    if (kept !== undefined) {
      known.delete(text) // to the end: the first is the one that was used longest ago
      known.set(text, kept)
      return kept
    }
    const document = parseWithin(text, config)
    if (text.length > LENGTH) return document
    known.set(text, document)
    tokens += document.tokenCount ?? 0
    for (const [old, { tokenCount = 0 }] of known) {
      if (known.size <= DOCUMENTS && tokens <= TOKENS) break
      known.delete(old)
      tokens -= tokenCount
    }
    return document
  }

  const validateOnce = (schema: GraphQLSchema, document: DocumentNode): readonly GraphQLError[] => {
    const found = findings.get(document) ?? validate(schema, document)
    findings.set(document, found)
    return found
  }

  return {
    onParse: ({ setParseFn }) => setParseFn((source) => parseOnce(textOf(source))),
    onValidate({ setValidationFn, context }) {
      setValidationFn((schema, document, rules, ...more) =>
        isStandard(rules)
          ? validateOnce(schema, document)
          : validate(schema, document, rules, ...more),
      )
      return ({ result, setResult }) =>
        setResult(result.map((error) => forViewer(context.viewer, withCode(error))))
    },
  }
}

/** Whether they are GraphQL's own, which Yoga names one by one: then a document need not be checked again. */
const isStandard = (rules: readonly unknown[] | undefined): boolean =>
  rules === undefined ||
  (rules.length === specifiedRules.length && rules.every((rule, n) => rule === specifiedRules[n]))

const textOf = (source: string | { body: string }): string =>
  typeof source === 'string' ? source : source.body

/** Throws a syntax error, or TOO_COMPLEX before anything that would take long is done with the document. */
function parseWithin(text: string, { maxTokens, maxDepth, maxAliases }: Config): DocumentNode {
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
