/** The samples of a server by name and labels: `name{label="value"}`, labels in the order they are written. */
export type Samples = ReadonlyMap<string, number>

/** Reads `/metrics` and answers its samples. */
export async function scrape(url: string, headers: Record<string, string>): Promise<Samples> {
  const response = await fetch(`${url}/metrics`, { headers })
  const text = await response.text()
  if (!response.ok) throw new Error(`${response.status}: ${text}`)
  return samplesIn(text)
}

export function samplesIn(text: string): Samples {
  const samples = new Map<string, number>()
  for (const line of text.split('\n')) {
    const [, name, value] = /^([a-z][^ {]*(?:\{[^}]*\})?) (\S+)$/.exec(line) ?? []
    if (name !== undefined) samples.set(name, Number(value))
  }
  return samples
}

/** The sum over all samples of a metric whose labels include these. */
export function total(
  samples: Samples,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
  let sum = 0
  for (const [key, value] of samples) {
    const [own = '', rest = ''] = key.split('{')
    const pairs = rest.replace('}', '').split(',')
    if (own === name && wanted.every((pair) => pairs.includes(pair))) sum += value
  }
  return sum
}
