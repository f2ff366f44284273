/** One value per request, made when it is first wanted: where DataLoaders live. */
export function perRequest<Request extends object, Value>(
  make: (request: Request) => Value,
): (request: Request) => Value {
  const values = new WeakMap<Request, Value>()
  return (request) => {
    let value = values.get(request)
    if (value === undefined) values.set(request, (value = make(request)))
    return value
  }
}
