// @ts-check
// What the worker and its thread say in the same words.

/** What a lease is called between the two. @param {string} jobId @param {string} fence */
export const keyOf = (jobId, fence) => `${jobId} ${fence}`

/** Of an error of a request, what lies beneath it. @param {unknown} cause @returns {string} */
export function reasonOf(cause) {
  if (!(cause instanceof Error)) return String(cause)
  if (cause instanceof AggregateError) return reasonOf(cause.errors[0])
  return cause.cause === undefined ? cause.message : reasonOf(cause.cause)
}
