/** The outcome of a mutation that must be a success. */
export function succeeded<
  Outcome extends { __typename?: string },
  Name extends Outcome['__typename'],
>(outcome: Outcome, name: Name): Extract<Outcome, { __typename?: Name }> {
  if (outcome.__typename !== name) throw new Error(`Not ${name}: ${JSON.stringify(outcome)}`)
  return outcome as Extract<Outcome, { __typename?: Name }> // compared above
}

type KeysOf<Service> = Service extends unknown ? keyof Service : never
type With<Service, Key extends PropertyKey> = Service extends unknown
  ? [Key] extends [keyof Service]
    ? Service
    : never
  : never

/** A service of the kind that has all that was asked for of any: of those that run as processes. */
export function whole<Service extends object>(
  service: Service | null | undefined,
): With<Service, KeysOf<Service>> | null {
  return (service ?? null) as With<Service, KeysOf<Service>> | null // these tests make no other kind
}
