import type { Answer, Client } from '../../../testkit/client.ts'

export type Data = Record<string, unknown>

/** Sends what was generated, which has no type of its own. */
export async function send(
  client: Client,
  query: string,
  variables: object = {},
): Promise<Answer<Data>> {
  const response = await fetch(`${client.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...client.headers },
    body: JSON.stringify({ query, variables }),
  })
  return (await response.json()) as Answer<Data>
}

/** What a mutation that must be a success selects. */
export async function succeed(
  client: Client,
  name: string,
  input: object,
  fields: string,
): Promise<Data> {
  const Name = name.charAt(0).toUpperCase() + name.slice(1)
  const answer = await send(
    client,
    `mutation ($input: ${Name}Input!) {
      ${name}(input: $input) { __typename ... on ${Name}Success { ${fields} } ... on UserError { message } } }`,
    { input },
  )
  const outcome = answer.data?.[name] as Data | undefined
  if (outcome?.['__typename'] !== `${Name}Success`)
    throw new Error(`${name}: ${JSON.stringify(answer)}`)
  return outcome
}
