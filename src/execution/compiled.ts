import {
  createSourceEventStream,
  execute,
  getOperationAST,
  getVariableValues,
  GraphQLError,
  Kind,
  locatedError,
  visit,
  type ASTNode,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql'
import { compileQuery, isCompiledQuery } from 'graphql-jit'
import { isCompilable, type Fragments } from './compilable.ts'
import { withTexts } from './json-texts.ts'

/** Wrong variables that are told of, as GraphQL's execute has it. */
const MAX_ERRORS = 50

/** GraphQL's execute: by compiled code where an operation has some, with the same answer. */
export function executeOnce(args: ExecutionArgs): ExecutionResult | Promise<ExecutionResult> {
  const { schema, document, operationName, rootValue, contextValue, variableValues } = args
  const operation = getOperationAST(document, operationName)
  if (operation == null) return execute(args)
  const sent = variableValues ?? {}
  const exact = withTexts(schema, operation, sent)
  const code = compiled(schema, document, operation)
  if (code === null && exact === sent) return execute(args)
  const { coerced, errors } = coercedBy(schema, operation, exact)
  // what is wrong with them is told in the words of what was sent
  if (errors) return { errors: coercedBy(schema, operation, sent).errors ?? errors }
  return code === null
    ? execute({ ...args, variableValues: exact })
    : code(rootValue, contextValue, coerced)
}

/** GraphQL's createSourceEventStream. */
export async function eventsOf(
  args: ExecutionArgs,
): Promise<AsyncIterable<unknown> | ExecutionResult> {
  const operation = getOperationAST(args.document, args.operationName)
  if (operation == null) return createSourceEventStream(args)
  const variableValues = withTexts(args.schema, operation, args.variableValues ?? {})
  return createSourceEventStream({ ...args, variableValues })
}

const coercedBy = (schema: GraphQLSchema, operation: OperationDefinitionNode, values: Variables) =>
  getVariableValues(schema, operation.variableDefinitions ?? [], values, { maxErrors: MAX_ERRORS })

type Variables = Readonly<Record<string, unknown>>

/** An operation as code of its own. The variables come coerced, by GraphQL's own rules. */
type Compiled = (
  root: unknown,
  context: unknown,
  variables: Variables,
) => ExecutionResult | Promise<ExecutionResult>

/** Compiled code of each operation; null where there is none, a number while it has only been run so often. */
const known = new WeakMap<OperationDefinitionNode, Compiled | null | number>()

/** Runs that an operation must have had: what is sent once is not worth the compiling, which costs more than to run it. */
const RUNS = 1

/** The code of an operation of a valid document, made when it is wanted for the second time; null: run it as it is. */
function compiled(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): Compiled | null {
  const state = known.get(operation) ?? 0
  if (typeof state !== 'number') return state
  if (state >= RUNS) return compile(schema, document, operation)
  known.set(operation, state + 1)
  return null
}

/** Compiles an operation now. */
export function compile(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): Compiled | null {
  const fragments: Fragments = new Map(
    document.definitions
      .filter((one): one is FragmentDefinitionNode => one.kind === Kind.FRAGMENT_DEFINITION)
      .map((fragment) => [fragment.name.value, fragment]),
  )
  const code = isCompilable(schema, operation, fragments)
    ? codeOf(schema, operation, [...fragments.values()])
    : null
  known.set(operation, code)
  return code
}

function codeOf(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  fragments: readonly FragmentDefinitionNode[],
): Compiled | null {
  // a copy, because the compiler writes into what it reads
  const own = copied<DocumentNode>({
    kind: Kind.DOCUMENT,
    definitions: [takingAnything(operation), ...fragments],
  })
  const query = compileQuery(schema, own, operation.name?.value)
  if (!isCompiledQuery(query)) return null
  const places = placesIn(own)
  return (root, context, variables) => {
    const result = query.query(root, context, variables)
    return 'then' in result ? result.then((settled) => told(settled, places)) : told(result, places)
  }
}

/**
 * The operation with variables that take any value: the compiler has rules of its own for them, which are not those
 * of GraphQL, and would read a time that has been read already. Conditions must stay Boolean.
 */
function takingAnything(operation: OperationDefinitionNode): OperationDefinitionNode {
  const type = { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: 'JSON' } } as const
  return {
    ...operation,
    variableDefinitions: operation.variableDefinitions?.map((definition) => {
      const named =
        definition.type.kind === Kind.NON_NULL_TYPE ? definition.type.type : definition.type
      if (named.kind === Kind.NAMED_TYPE && named.name.value === 'Boolean') return definition
      return { kind: definition.kind, loc: definition.loc, variable: definition.variable, type }
    }),
  }
}

/** A copy of a syntax tree; places in the source are shared. */
function copied<Node>(node: Node): Node {
  if (Array.isArray(node)) return node.map(copied) as Node
  if (typeof node !== 'object' || node === null) return node
  const entries = Object.entries(node).map(([key, value]: [string, unknown]) => [
    key,
    key === 'loc' ? value : copied(value),
  ])
  return Object.fromEntries(entries) as Node // the same keys
}

type Places = () => ReadonlyMap<string, ASTNode>

/** Fields and values of arguments by where they begin, which is all that an error of compiled code tells of them. */
function placesIn(document: DocumentNode): Places {
  let places: Map<string, ASTNode> | undefined
  return () => {
    if (places !== undefined) return places
    const found = (places = new Map<string, ASTNode>())
    const keep = (node: ASTNode): void => {
      const start = node.loc?.startToken
      if (start) found.set(`${start.line}:${start.column}`, node)
    }
    visit(document, { Field: keep, Argument: ({ value }) => keep(value) })
    return places
  }
}

/** The result as GraphQL's execute tells it: errors in front of the data, with their nodes and causes. */
function told({ data, errors }: ExecutionResult, places: Places): ExecutionResult {
  if (errors === undefined || errors.length === 0) return { data }
  return { errors: errors.map((error) => located(error, places())), data }
}

function located(error: GraphQLError, places: ReadonlyMap<string, ASTNode>): GraphQLError {
  const { message, path, originalError } = error
  const nodes = error.locations?.flatMap(({ line, column }) => {
    const node = places.get(`${line}:${column}`)
    return node === undefined ? [] : [node]
  })
  if (originalError !== undefined) return locatedError(originalError, nodes, path)
  // a value that an argument does not take is the caller's; whatever else is found while running is ours
  const isOurs = nodes?.every(({ kind }) => kind === Kind.FIELD) ?? true
  return new GraphQLError(message, {
    nodes,
    path,
    originalError: isOurs ? new Error(message) : undefined,
  })
}
