/** Whether a header of ETags, or `*`, names this one (RFC 9110, 8.8.3.2); a weak one does as well where nothing is changed. */
export const names = (header: string, etag: string): boolean =>
  header.split(',').some((one) => ['*', etag, `W/${etag}`].includes(one.trim()))

/** Whether a header of ETags, or `*`, names this one as that of the very same bytes, which a weak one does not. */
export const isOneOf = (header: string, etag: string): boolean =>
  header.split(',').some((one) => ['*', etag].includes(one.trim()))
