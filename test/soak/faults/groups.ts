/** Values by what they have in common, in the order in which they come. */
export function groups<Value, Key>(
  values: readonly Value[],
  keyOf: (value: Value) => Key,
): Map<Key, Value[]> {
  const found = new Map<Key, Value[]>()
  for (const value of values) {
    const key = keyOf(value)
    const group = found.get(key) ?? []
    found.set(key, group)
    group.push(value)
  }
  return found
}
