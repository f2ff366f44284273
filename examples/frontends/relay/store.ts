import relay from 'relay-runtime'

const { RecordSource, Store } = relay

/**
 * A store in which an older copy of an object never overwrites a newer one: answers overtake each other, and a copy
 * with a lower `revision` is older. What only the older copy has is added all the same.
 */
export class RevisionStore extends Store {
  override publish(...[source, invalidated]: Parameters<InstanceType<typeof Store>['publish']>) {
    const records = source.toJSON()
    const held = this.getSource()
    for (const [id, record] of Object.entries(records)) {
      const known = held.get(id)
      if (record && known && Number(record.revision) < Number(known.revision))
        records[id] = { ...record, ...known }
    }
    super.publish(new RecordSource(records), invalidated)
  }
}
