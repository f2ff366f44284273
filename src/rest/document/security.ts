import type { ApiAbout, Dialect } from './about.ts'

type Scheme = Readonly<Record<string, string>>

/** The ways to say who asks, as a version of the document writes them; any one of them is enough. */
export function securityOf(
  ways: ApiAbout['security'],
  dialect: Dialect,
): { requirement: Record<string, []>[]; schemes: Record<string, Scheme> } {
  const inHeader: Scheme = { type: 'apiKey', in: 'header', name: 'Authorization' }
  const schemes: Record<string, Scheme> = {}
  for (const way of ways)
    switch (way) {
      case 'bearer':
        // Swagger 2.0 knows no such scheme, only the header it stands in
        schemes[way] = dialect === '2.0' ? inHeader : { type: 'http', scheme: 'bearer' }
        break
      case 'basic':
        schemes[way] = dialect === '2.0' ? { type: 'basic' } : { type: 'http', scheme: 'basic' }
        break
      case 'apiKey':
        schemes[way] = inHeader
        break
    }
  return { requirement: ways.map((way) => ({ [way]: [] })), schemes }
}
