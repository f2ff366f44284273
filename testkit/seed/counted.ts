/** 1, 2, 3 … `length`. */
export const dense = (length: number): number[] => Array.from({ length }, (_, i) => i + 1)

/** What each process of the program `counter` has counted, in the order of the log. */
export function countedIn(lines: readonly { readonly text: string }[]): Map<string, number[]> {
  const counted = new Map<string, number[]>()
  for (const { text } of lines) {
    const [, name, n] = /^([0-9a-f]{8}) (\d+)$/.exec(text) ?? []
    if (name !== undefined) counted.set(name, [...(counted.get(name) ?? []), Number(n)])
  }
  return counted
}
