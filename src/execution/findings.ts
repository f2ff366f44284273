import {
  GraphQLError,
  Kind,
  print,
  validate,
  visit,
  type ASTNode,
  type DocumentNode,
  type GraphQLSchema,
} from 'graphql'
import { reworded } from './mask.ts'

/** How much of a wrong value is shown. */
const SHOWN = 80

/** What is wrong with a document by GraphQL's own rules, and of a wrong value also whose it is. */
export function findingsIn(schema: GraphQLSchema, document: DocumentNode): readonly GraphQLError[] {
  const errors = validate(schema, document)
  if (errors.length === 0) return errors
  const places = placesOf(document, new Set(errors.flatMap(valueOf)))
  return errors.map((error) => placed(error, places))
}

/** The literal that an error is about, if it is about one: GraphQL names neither its argument nor its field. */
function valueOf({ nodes = [] }: GraphQLError): ASTNode[] {
  const [node] = nodes
  const isValue = node !== undefined && 'kind' in node && VALUES.has(node.kind)
  return nodes.length === 1 && isValue ? [node] : []
}

const VALUES: ReadonlySet<string> = new Set([
  Kind.INT,
  Kind.FLOAT,
  Kind.STRING,
  Kind.BOOLEAN,
  Kind.NULL,
  Kind.ENUM,
  Kind.LIST,
  Kind.OBJECT,
])

/** Whose value a literal is, as an error begins with it, and the path in that value. */
interface Place {
  readonly owner: string
  readonly path: string
}

/** An error about a literal in the form in which GraphQL tells of a wrong variable. */
function placed(error: GraphQLError, places: ReadonlyMap<ASTNode, Place>): GraphQLError {
  const [node] = valueOf(error)
  const place = node && places.get(node)
  if (node === undefined || place === undefined) return error
  const text = print(node).replaceAll(/\s+/g, ' ')
  const shown = text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text
  const { owner, path } = place
  const at = path === '' ? '' : ` at "${path}"`
  return reworded(error, `${owner} got invalid value ${shown}${at}; ${error.message}`)
}

/** The places of those literals. */
function placesOf(document: DocumentNode, wanted: ReadonlySet<ASTNode>): Map<ASTNode, Place> {
  const places = new Map<ASTNode, Place>()
  if (wanted.size === 0) return places
  visit(document, {
    enter(node, _key, parent, path, ancestors) {
      if (wanted.has(node)) places.set(node, placeOf([...ancestors, parent ?? [], node], path))
    },
  })
  return places
}

type Ancestors = readonly (ASTNode | readonly ASTNode[])[]

function placeOf(line: Ancestors, keys: readonly (string | number)[]): Place {
  let owner = ''
  let root = ''
  let path = ''
  for (const [depth, one] of line.entries()) {
    if (!('kind' in one)) continue
    if (one.kind === Kind.VARIABLE_DEFINITION) {
      root = one.variable.name.value
      owner = `The default of variable "$${root}"`
    } else if (one.kind === Kind.ARGUMENT) {
      root = one.name.value
      owner = `Argument "${root}"`
    } else if (one.kind === Kind.OBJECT_FIELD) path += `.${one.name.value}`
    // the key of a list's value stands behind that of the list's `values`
    else if (keys[depth - 2] === 'values') path += `[${keys[depth - 1]}]`
  }
  return { owner, path: path === '' ? '' : root + path }
}
