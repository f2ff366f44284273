/** Whether a header of ETags, or `*`, names this one (RFC 9110, 8.8.3.2); a weak one does as well where nothing is changed. */
export const names = (header: string, etag: string): boolean =>
  header.split(',').some((one) => ['*', etag, `W/${etag}`].includes(one.trim()))
