/** A column per key, in the order of the first row; text is set to the left, figures to the right. */
export function printTable(title: string, rows: readonly Readonly<Record<string, string>>[]): void {
  const names = Object.keys(rows[0] ?? {})
  const widths = names.map((name) =>
    Math.max(...[name, ...rows.map((row) => row[name] ?? '')].map(({ length }) => length)),
  )
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, place) =>
        place === 0 ? cell.padEnd(widths[place] ?? 0) : cell.padStart(widths[place] ?? 0),
      )
      .join('   ')
  console.log(`\n${title}`)
  console.log(`  ${line(names)}`)
  for (const row of rows) console.log(`  ${line(names.map((name) => row[name] ?? ''))}`)
}

/** 12,345 or 1.23: three figures at least. */
export function figure(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en-US')
  return value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

export const ratio = (value: number, of: number): string => `${figure(value / of)}×`

export const share = (value: number, of: number): string => `${Math.round((value / of) * 100)} %`

/** The value below which that share of all values lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
