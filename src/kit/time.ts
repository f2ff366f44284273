/** The clock comes in from outside, so that tests can hold it. */
export type Clock = () => Date

/** RFC 3339 in UTC with microseconds; ours are kept to the millisecond, so the last three are zero. */
export const writeTime = (time: Date): string => time.toISOString().replace('Z', '000Z')
